variable "name" {
  description = "Prefix of the names of alarms, rules and the dashboard."
  type        = string
  default     = "logs"
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,49}$", var.name))
    error_message = "A letter, then up to 49 letters, digits, hyphens and underscores."
  }
}

variable "vault" {
  description = "The bucket that is watched over: output `vault` of vault-bucket."
  type = object({
    bucket      = string
    prefix      = string
    account_id  = string
    region      = string
    partition   = optional(string, "aws")
    kms_key_arn = optional(string)
  })
}

variable "compactor" {
  description = "Outputs of the compactor module; null: no compactor runs on ECS."
  type = object({
    queue_name      = string
    dead_queue_name = string
    cluster_name    = string
    log_group       = string
  })
  default = null
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms and findings go to. Their policies must let cloudwatch.amazonaws.com and events.amazonaws.com publish."
  type        = list(string)
  validation {
    condition     = length(var.alarm_topic_arns) > 0 && alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[\\w-]+:sns:[a-z0-9-]+:[0-9]{12}:[\\w-]+$", arn))])
    error_message = "At least one topic: an alarm that nobody hears is none."
  }
}

variable "silence_minutes" {
  description = "Nothing at all was delivered for so long: an alarm. A digest an hour of each host is the least there is."
  type        = number
  default     = 120
  validation {
    condition     = var.silence_minutes >= 65 && var.silence_minutes <= 1440
    error_message = "65 (an agent gives one sign of life an hour) to 1440 minutes."
  }
}

variable "message_age_seconds" {
  description = "The oldest message waits for longer: compactors are too few, or stuck."
  type        = number
  default     = 900
  validation {
    condition     = var.message_age_seconds >= 60 && var.message_age_seconds <= 345600
    error_message = "60 to 345600 seconds."
  }
}

variable "trail_bucket" {
  description = "Bucket that takes a CloudTrail trail of deletions and lock changes in the vault (they are refused; who tries is worth knowing). Not the vault: nothing may create there without the condition. null: no trail."
  type        = string
  default     = null
  validation {
    condition     = var.trail_bucket == null || var.trail_bucket != var.vault.bucket
    error_message = "The trail cannot be written into the vault: CloudTrail sends no If-None-Match."
  }
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
