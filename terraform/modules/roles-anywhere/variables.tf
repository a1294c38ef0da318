variable "name" {
  description = "Name of the role, the profile and the trust anchor."
  type        = string
  default     = "log-agent-on-premises"
  validation {
    condition     = can(regex("^[\\w+=,.@-]{1,64}$", var.name))
    error_message = "1 to 64 letters, digits and any of _+=,.@-."
  }
}

variable "ca_bundle_pem" {
  description = "Certificate, in PEM, of the authority that signs the machines' certificates."
  type        = string
  validation {
    condition     = startswith(trimspace(var.ca_bundle_pem), "-----BEGIN CERTIFICATE-----")
    error_message = "Certificates in PEM, as in file(\"ca.pem\"). Never a key."
  }
  validation {
    condition     = !strcontains(var.ca_bundle_pem, "PRIVATE KEY")
    error_message = "There is a private key in it: only certificates belong here."
  }
}

variable "issuer_common_name" {
  description = "Common name of that authority: other certificates below the same root are refused."
  type        = string
  validation {
    condition     = length(var.issuer_common_name) > 0 && !strcontains(var.issuer_common_name, "*")
    error_message = "The common name as the certificate has it, without wildcards."
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

variable "region" {
  description = "Region of the provider, and so of the trust anchor; the machines ask there for credentials."
  type        = string
  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as in eu-central-1."
  }
}

variable "allowed_networks" {
  description = "Networks (CIDR) from which the machines come; empty: from anywhere. Credentials that were stolen are of no use elsewhere."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for network in var.allowed_networks : can(cidrhost(network, 0))])
    error_message = "Networks are written as in 203.0.113.0/24."
  }
}

variable "session_seconds" {
  description = "How long credentials last; the agent renews them by itself."
  type        = number
  default     = 3600
  validation {
    condition     = var.session_seconds >= 900 && var.session_seconds <= 43200
    error_message = "900 to 43200 seconds."
  }
}

variable "certificate_file" {
  description = "Where the machine's certificate is, for the AWS configuration that this module puts out."
  type        = string
  default     = "/etc/logcask/host.crt"
  validation {
    condition     = startswith(var.certificate_file, "/")
    error_message = "An absolute path."
  }
}

variable "key_file" {
  description = "Where the machine's private key is."
  type        = string
  default     = "/etc/logcask/host.key"
  validation {
    condition     = startswith(var.key_file, "/")
    error_message = "An absolute path."
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
