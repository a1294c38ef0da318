variable "apps_account_id" {
  description = "Account of the instances."
  type        = string
}

variable "vaults" {
  description = "One vault in each of two accounts and regions, and the role that administers it."
  type = object({
    eu = object({ bucket = string, account_id = string, region = string, admin_role_arn = string })
    us = object({ bucket = string, account_id = string, region = string, admin_role_arn = string })
  })
  validation {
    condition     = var.vaults.eu.account_id != var.vaults.us.account_id && var.vaults.eu.region != var.vaults.us.region
    error_message = "Two accounts and two regions: who loses or is robbed of one still has the other."
  }
}

variable "apps_region" {
  description = "Region of the provider of the instances' account."
  type        = string
  default     = "eu-central-1"
}

variable "auditor_role_arns" {
  description = "Roles that may read both vaults."
  type        = list(string)
  default     = []
}

variable "nat_networks" {
  description = "Addresses of the NAT gateways that the instances go out by."
  type        = list(string)
  validation {
    condition     = length(var.nat_networks) > 0
    error_message = "At least one: else stolen credentials are of use anywhere."
  }
}
