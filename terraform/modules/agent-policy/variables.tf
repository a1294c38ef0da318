variable "vaults" {
  description = "Buckets to deliver to: output `vault` of vault-bucket, each."
  type = list(object({
    bucket                 = string
    prefix                 = string
    account_id             = string
    region                 = string
    partition              = optional(string, "aws")
    kms_key_arn            = optional(string)
    retention_days         = optional(number)
    when_complete_prefixes = optional(list(string), [])
  }))
  validation {
    condition     = length(var.vaults) > 0
    error_message = "At least one bucket."
  }
  validation {
    condition     = length(distinct([for vault in var.vaults : "${vault.bucket}/${vault.prefix}"])) == length(var.vaults)
    error_message = "Each bucket and prefix once."
  }
}

variable "host_variable" {
  description = "Policy variable that is the host: what AWS says of the credentials, and who holds them cannot choose."
  type        = string
  validation {
    condition     = can(regex("^\\$\\{aws:(userid|PrincipalTag/[A-Za-z0-9/_-]+|SourceIdentity)\\}$", var.host_variable))
    error_message = "One of $${aws:userid}, $${aws:PrincipalTag/…}, $${aws:SourceIdentity}: each session has its own."
  }
}

variable "host_template" {
  description = "What the agent's configuration says for host."
  type        = string
  validation {
    condition     = contains(["{aws_userid}", "{hostname}", "{machine_id}", "{instance_id}"], var.host_template)
    error_message = "One of {aws_userid}, {hostname}, {machine_id}, {instance_id}."
  }
}

variable "profile" {
  description = "Profile of AWS's configuration that the agent uses; null: its environment or instance role."
  type        = string
  default     = null
}

variable "sources" {
  description = "What the agent watches."
  type = list(object({
    name    = string
    include = list(string)
    exclude = optional(list(string))
  }))
  validation {
    condition     = length(var.sources) > 0 && alltrue([for source in var.sources : length(source.include) > 0 && alltrue([for glob in source.include : startswith(glob, "/")])])
    error_message = "At least one source, each with absolute globs."
  }
}
