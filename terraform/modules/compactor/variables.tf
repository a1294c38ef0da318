variable "name" {
  description = "Name of the service, its queue, roles and log group."
  type        = string
  default     = "log-compactor"
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,49}$", var.name))
    error_message = "A letter, then up to 49 letters, digits, hyphens and underscores."
  }
}

variable "account_id" {
  description = "Account that the compactor runs in."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id is 12 digits, in quotes."
  }
}

variable "vault" {
  description = "The bucket that it reads: output `vault` of vault-bucket. In another account, name the output task_role_arn in its reader_role_arns."
  type = object({
    bucket      = string
    prefix      = string
    account_id  = string
    region      = string
    partition   = optional(string, "aws")
    kms_key_arn = optional(string)
  })
}

variable "archive" {
  description = "The bucket that it fills with complete files: output `vault` of another vault-bucket whose when_complete_prefixes has the one named here."
  type = object({
    bucket                 = string
    prefix                 = string
    region                 = string
    kms_key_arn            = optional(string)
    when_complete_prefixes = list(string)
  })
  validation {
    condition     = length(var.archive.when_complete_prefixes) > 0
    error_message = "The archive's when_complete_prefixes is empty: no object could be uploaded in parts there."
  }
  validation {
    condition     = var.archive.region == var.vault.region
    error_message = "The archive must be in the vault's region: a task asks one region. Replicate the archive instead."
  }
  validation {
    condition     = var.archive.bucket != var.vault.bucket
    error_message = "The archive needs a bucket of its own: nothing that a compactor may do must reach the vault."
  }
}

variable "image" {
  description = "Container image of Logcask, with its digest: a tag can be moved."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image with its digest, as in …/logcask@sha256:…64 hex digits."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the tasks. They need a way to S3, SQS, CloudWatch Logs and the image's registry (VPC endpoints, or a NAT gateway)."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) > 0 && alltrue([for id in var.subnet_ids : startswith(id, "subnet-")])
    error_message = "At least one subnet, as in subnet-0abc."
  }
}

variable "vpc_id" {
  description = "VPC of those subnets."
  type        = string
  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "A VPC, as in vpc-0abc."
  }
}

variable "cpu" {
  description = "CPU units of a task (1024 are a core)."
  type        = number
  default     = 512
  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "Fargate has 256, 512, 1024, 2048 and 4096."
  }
}

variable "memory" {
  description = "MiB of memory of a task. 150 to 255 MB were measured, however long the files are."
  type        = number
  default     = 1024
  validation {
    condition     = var.memory >= 512 && var.memory <= 30720 && var.memory >= 2 * var.cpu
    error_message = "Fargate gives at least 2 MiB for each CPU unit, from 512 MiB on."
  }
}

variable "spool_gib" {
  description = "Disk of a task, for what is compressed meanwhile."
  type        = number
  default     = 64
  validation {
    condition     = var.spool_gib >= 21 && var.spool_gib <= 200
    error_message = "Fargate gives 21 to 200 GiB."
  }
}

variable "tasks" {
  description = "The least and the greatest number of tasks. At least one: with none nobody looks at the truth, which is the listing."
  type = object({
    min = optional(number, 1)
    max = optional(number, 8)
  })
  default = {}
  validation {
    condition     = var.tasks.min >= 1 && var.tasks.max >= var.tasks.min && var.tasks.max <= 1000
    error_message = "1 ≤ min ≤ max ≤ 1000."
  }
}

variable "backlog_per_task" {
  description = "Messages in the queue for each task, above which a task is added."
  type        = number
  default     = 1000
  validation {
    condition     = var.backlog_per_task >= 1
    error_message = "At least 1."
  }
}

variable "compress" {
  description = "How complete files are stored: gzip, zstd, or none."
  type        = string
  default     = "gzip"
  validation {
    condition     = contains(["gzip", "zstd", "none"], var.compress)
    error_message = "gzip, zstd or none."
  }
}

variable "visibility_timeout_seconds" {
  description = "A message that a task took and did not finish comes again after so long; a task that is at work extends it."
  type        = number
  default     = 120
  validation {
    condition     = var.visibility_timeout_seconds >= 30 && var.visibility_timeout_seconds <= 43200
    error_message = "30 to 43200 seconds."
  }
}

variable "log_retention_days" {
  description = "How long the service's log is kept."
  type        = number
  default     = 90
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827 or 3653 days."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds roles in this account; null: none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
