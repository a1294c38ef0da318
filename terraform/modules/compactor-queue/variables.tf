variable "name" {
  description = "Name of the queue; the one for what nobody understood is called NAME-dead."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,49}$", var.name))
    error_message = "A letter, then up to 49 letters, digits, hyphens and underscores (no .fifo: S3 does not send there)."
  }
}

variable "account_id" {
  description = "Account that has the queue."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id is 12 digits, in quotes."
  }
}

variable "vault" {
  description = "The bucket that sends: output `vault` of vault-bucket."
  type = object({
    bucket     = string
    account_id = string
    region     = string
    partition  = optional(string, "aws")
  })
}

variable "visibility_timeout_seconds" {
  description = "A message that a compactor took and did not finish comes again after so long; one that is at work extends it."
  type        = number
  default     = 120
  validation {
    condition     = var.visibility_timeout_seconds >= 30 && var.visibility_timeout_seconds <= 43200
    error_message = "30 to 43200 seconds."
  }
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
