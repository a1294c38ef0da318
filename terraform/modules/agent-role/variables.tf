variable "name" {
  description = "Name of the role, its instance profile and its policy."
  type        = string
  default     = "log-agent"
  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,64}$", var.name))
    error_message = "1 to 64 letters, digits and any of _+=,.@-."
  }
}

variable "vaults" {
  description = "Buckets to deliver to: output `vault` of vault-bucket, each. Each is a destination of its own."
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
}

variable "sources" {
  description = "What the agent watches, for the configuration that this module puts out."
  type = list(object({
    name    = string
    include = list(string)
    exclude = optional(list(string))
  }))
  default = [{ name = "system", include = ["/var/log/syslog*", "/var/log/*.log*"], exclude = ["*.xz"] }]
}

variable "bind_to_instance" {
  description = "Refuse requests that do not come from the VPC and the private address of the instance that got the credentials: stolen ones are of no use elsewhere. Needs VPC endpoints for S3 and STS, which reach their own region only; what goes another way is refused."
  type        = bool
  default     = true
}

variable "allowed_networks" {
  description = "Networks (CIDR) of your NAT gateways, for instances that deliver to another region as well: with bind_to_instance = false, requests come from there, or by an endpoint of the instance's own VPC. Empty: from anywhere."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for network in var.allowed_networks : can(cidrhost(network, 0))])
    error_message = "Networks are written as in 198.51.100.0/28."
  }
  validation {
    condition     = length(var.allowed_networks) == 0 || !var.bind_to_instance
    error_message = "bind_to_instance refuses what comes by a NAT gateway: set it to false, or leave allowed_networks out."
  }
}

variable "require_imdsv2" {
  description = "Refuse credentials that the metadata service gave out in its first version, which answers any request that a server on the instance can be tricked into."
  type        = bool
  default     = true
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds roles in this account; null: none."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[\\w-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "The ARN of a policy."
  }
}

variable "path" {
  description = "Path of the role and the instance profile."
  type        = string
  default     = "/"
  validation {
    condition     = can(regex("^/([\\w+=,.@-]+/)*$", var.path))
    error_message = "A path begins and ends with a slash."
  }
}

variable "tags" {
  description = "Tags of everything that this module makes."
  type        = map(string)
  default     = {}
}
