variable "account_id" {
  description = "Account that everything is in."
  type        = string
}

variable "region" {
  description = "Region that everything is in."
  type        = string
  default     = "eu-central-1"
}

variable "name" {
  description = "What the buckets' names begin with: they are unique in the world."
  type        = string
}

variable "admin_role_arn" {
  description = "The role that runs Terraform, and alone may reconfigure the buckets afterwards."
  type        = string
}

variable "image" {
  description = "Container image of Logcask, with its digest."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the compactor."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the compactor."
  type        = list(string)
}

variable "alarm_topic_arn" {
  description = "SNS topic that alarms go to."
  type        = string
}
