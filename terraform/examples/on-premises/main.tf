# Machines outside AWS: each has a certificate, and its common name is the host that it may create objects for.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

module "vault" {
  source         = "../../modules/vault-bucket"
  bucket         = var.bucket
  account_id     = var.account_id
  region         = var.region
  admin_role_arn = var.admin_role_arn
  # HAProxy's hourly files, whole, beside the streams.
  when_complete_prefixes = ["files/"]
}

module "machines" {
  source             = "../../modules/roles-anywhere"
  ca_bundle_pem      = var.ca_bundle_pem
  issuer_common_name = var.issuer_common_name
  allowed_networks   = var.office_networks
  region             = var.region
  vaults             = [module.vault.vault]
}
