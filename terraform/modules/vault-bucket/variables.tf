variable "bucket" {
  description = "Name of the bucket."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name is 3 to 63 lower-case letters, digits and hyphens (no dots: TLS names end at them)."
  }
}

variable "prefix" {
  description = "What all keys begin with: empty, or ending with a slash."
  type        = string
  default     = ""
  validation {
    condition     = var.prefix == "" || can(regex("^([A-Za-z0-9._=-]+/)+$", var.prefix))
    error_message = "The prefix is empty, or parts of A-Z a-z 0-9 . _ = - that each end with a slash, as in prod/."
  }
}

variable "account_id" {
  description = "Account that has the bucket. Best one that has nothing else in it."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id is 12 digits, in quotes."
  }
}

variable "region" {
  description = "Region of the bucket."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as in eu-central-1."
  }
}

variable "partition" {
  description = "Partition of AWS."
  type        = string
  default     = "aws"
  validation {
    condition     = contains(["aws", "aws-cn", "aws-us-gov"], var.partition)
    error_message = "The partition is aws, aws-cn or aws-us-gov."
  }
}

variable "admin_role_arn" {
  description = "The one role that may reconfigure the bucket: the role that runs Terraform. It may not delete or change an object either."
  type        = string
  validation {
    condition     = can(regex("^arn:[\\w-]+:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", var.admin_role_arn))
    error_message = "The ARN of a role, as in arn:aws:iam::111122223333:role/log-vault-admin. Without one nobody but root could repair the bucket's policy."
  }
}

variable "agents" {
  description = "Roles of agents in other accounts, and the policy variable that is the host of each. Agents of the bucket's own account need no entry: their role is enough."
  type = list(object({
    role_arn = string
    host     = optional(string, "$${aws:userid}")
  }))
  default = []
  validation {
    condition     = alltrue([for agent in var.agents : can(regex("^arn:[\\w-]+:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", agent.role_arn))])
    error_message = "Each role_arn is the ARN of a role; a wildcard would let others in."
  }
  validation {
    condition     = alltrue([for agent in var.agents : can(regex("^(\\$\\{aws:(userid|PrincipalTag/[A-Za-z0-9/_-]+|SourceIdentity)\\}|[A-Za-z0-9._:-]+)$", agent.host))])
    error_message = "A host is a policy variable ($${aws:userid}, $${aws:PrincipalTag/x509Subject/CN}, $${aws:SourceIdentity}), or the name of one host without a wildcard."
  }
}

variable "reader_role_arns" {
  description = "Roles in other accounts that may read everything and write nothing (compactors, auditors)."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for arn in var.reader_role_arns : can(regex("^arn:[\\w-]+:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "Each is the ARN of a role; a wildcard would let others in."
  }
}

variable "when_complete_prefixes" {
  description = "Where whole files are created (mode: when-complete, or a compactor's archive), below the prefix. Only there, and below probes/ where it is tried first, may an object be uploaded in parts: the completion must be create-only, the parts cannot be."
  type        = list(string)
  default     = []
  validation {
    condition = alltrue([
      for prefix in var.when_complete_prefixes :
      can(regex("^([A-Za-z0-9._=-]+/)+$", prefix)) && !can(regex("^(segments|seals|gaps|aliases|digests|probes)/", prefix))
    ])
    error_message = "Each is parts that end with a slash, as in files/, and none of segments, seals, gaps, aliases, digests, probes: what an agent streams is one PUT each."
  }
}

variable "object_lock" {
  description = "Nobody deletes a version for so many days. GOVERNANCE can be lifted by who has s3:BypassGovernanceRetention (nobody, by the bucket's policy); COMPLIANCE by nobody at all, not even by closing anything less than the account. null: versions without a lock."
  type = object({
    mode = optional(string, "GOVERNANCE")
    days = optional(number, 30)
  })
  default = {}
  validation {
    condition     = var.object_lock == null || contains(["GOVERNANCE", "COMPLIANCE"], try(var.object_lock.mode, ""))
    error_message = "The mode is GOVERNANCE or COMPLIANCE."
  }
  validation {
    condition     = var.object_lock == null || try(var.object_lock.days >= 1 && var.object_lock.days <= 36500 && floor(var.object_lock.days) == var.object_lock.days, false)
    error_message = "The lock lasts 1 to 36500 whole days."
  }
}

variable "compliance_lock_is_meant" {
  description = "Must be true for object_lock.mode COMPLIANCE: nothing and nobody takes it back before its days are over."
  type        = bool
  default     = false
  validation {
    condition     = var.compliance_lock_is_meant || try(var.object_lock.mode, "") != "COMPLIANCE"
    error_message = "A COMPLIANCE lock cannot be undone: set compliance_lock_is_meant = true if that is meant, or use GOVERNANCE."
  }
}

variable "segment_retention_days" {
  description = "Segments expire after so many days; null: never. Seals, gaps, aliases, digests and whole files stay. The agent is told (retention:), so that it does not fill again what has expired."
  type        = number
  default     = null
  validation {
    condition     = var.segment_retention_days == null || try(var.segment_retention_days >= 1 && floor(var.segment_retention_days) == var.segment_retention_days, false)
    error_message = "Whole days, at least 1."
  }
  validation {
    condition     = var.segment_retention_days == null || try(var.segment_retention_days >= var.object_lock.days, true)
    error_message = "Segments cannot expire before their lock ends: raise segment_retention_days, or lower object_lock.days."
  }
}

variable "segment_transitions" {
  description = "Cheaper storage classes for segments after so many days. Only classes that are read at once: a chain is read back at any time."
  type = list(object({
    days          = number
    storage_class = string
  }))
  default = []
  validation {
    condition     = alltrue([for transition in var.segment_transitions : contains(["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], transition.storage_class)])
    error_message = "The storage class is STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING or GLACIER_IR: from the others nothing is read before a restore."
  }
  validation {
    condition     = alltrue([for transition in var.segment_transitions : transition.days >= (endswith(transition.storage_class, "_IA") ? 30 : 0)])
    error_message = "STANDARD_IA and ONEZONE_IA take objects after 30 days at the earliest."
  }
}

variable "kms_key_arn" {
  description = "Encrypt with this key; null: SSE-S3, which nobody can switch off. A key that is deleted takes every object with it, locked or not."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[\\w-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "The ARN of a key (not of an alias: an alias can be moved to another key)."
  }
  validation {
    condition     = var.kms_key_arn == null || !var.create_kms_key
    error_message = "Set kms_key_arn or create_kms_key, not both."
  }
}

variable "create_kms_key" {
  description = "Make a key for this bucket, which nobody can delete or disable."
  type        = bool
  default     = false
}

variable "kms_user_role_arns" {
  description = "With create_kms_key: roles in other accounts that may use the key through S3 (agents, readers). Those of this account are allowed by their own policies."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for arn in var.kms_user_role_arns : can(regex("^arn:[\\w-]+:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "Each is the ARN of a role."
  }
}

variable "notifications" {
  description = "Queue that is told of new segments, seals and gaps (the compactor module makes it); null: none. A bucket has one configuration of notifications: this module owns it."
  type = object({
    queue_arn = string
  })
  default = null
  validation {
    condition     = var.notifications == null || can(regex("^arn:[\\w-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.notifications.queue_arn))
    error_message = "The ARN of a standard queue in the bucket's region (S3 does not send to FIFO queues)."
  }
  validation {
    condition     = var.notifications == null || try(split(":", var.notifications.queue_arn)[3] == var.region, false)
    error_message = "The queue must be in the bucket's region."
  }
}

variable "replicate_to" {
  description = "Copy every new object to this bucket, made by this module with replicated_from; null: none. Two destinations of the agent survive a lost region; replication survives a lost host."
  type = object({
    bucket      = string
    kms_key_arn = optional(string)
  })
  default = null
  validation {
    condition     = var.replicate_to == null || try(var.replicate_to.bucket != var.bucket, false)
    error_message = "A bucket is not replicated to itself."
  }
}

variable "replicated_from" {
  description = "Replication roles (output replication_role_arn of another vault) that may write copies here. Nobody else may: a replica is not a PutObject, and would overwrite."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for arn in var.replicated_from : can(regex("^arn:[\\w-]+:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "Each is the ARN of a role; a wildcard would let anybody overwrite."
  }
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
