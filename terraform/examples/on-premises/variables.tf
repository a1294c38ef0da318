variable "account_id" {
  description = "Account that everything is in."
  type        = string
}

variable "region" {
  description = "Region that everything is in."
  type        = string
  default     = "eu-central-1"
}

variable "bucket" {
  description = "Name of the bucket."
  type        = string
}

variable "admin_role_arn" {
  description = "The role that runs Terraform, and alone may reconfigure the bucket afterwards."
  type        = string
}

variable "ca_bundle_pem" {
  description = "The authority that signs the machines' certificates, in PEM."
  type        = string
}

variable "issuer_common_name" {
  description = "Its common name."
  type        = string
}

variable "office_networks" {
  description = "Networks that the machines come from."
  type        = list(string)
}
