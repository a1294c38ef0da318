# Instances deliver to two vaults, each in an account and a region of its own: no one account, region or stolen key has both.
# The agent sends to each by itself; what one lacks, `logcask sync` brings from the other.
provider "aws" {
  region              = var.apps_region
  allowed_account_ids = [var.apps_account_id]
}

provider "aws" {
  alias               = "eu"
  region              = var.vaults.eu.region
  allowed_account_ids = [var.vaults.eu.account_id]
  assume_role {
    role_arn = var.vaults.eu.admin_role_arn
  }
}

provider "aws" {
  alias               = "us"
  region              = var.vaults.us.region
  allowed_account_ids = [var.vaults.us.account_id]
  assume_role {
    role_arn = var.vaults.us.admin_role_arn
  }
}

locals {
  role_name = "log-agent"
  # By its name: the vaults' policies are known before the role exists, and do not wait for it.
  agents = [{ role_arn = "arn:aws:iam::${var.apps_account_id}:role/${local.role_name}" }]
}

module "eu" {
  source                 = "../../modules/vault-bucket"
  providers              = { aws = aws.eu }
  bucket                 = var.vaults.eu.bucket
  account_id             = var.vaults.eu.account_id
  region                 = var.vaults.eu.region
  admin_role_arn         = var.vaults.eu.admin_role_arn
  agents                 = local.agents
  reader_role_arns       = var.auditor_role_arns
  segment_retention_days = 365
}

module "us" {
  source                 = "../../modules/vault-bucket"
  providers              = { aws = aws.us }
  bucket                 = var.vaults.us.bucket
  account_id             = var.vaults.us.account_id
  region                 = var.vaults.us.region
  admin_role_arn         = var.vaults.us.admin_role_arn
  agents                 = local.agents
  reader_role_arns       = var.auditor_role_arns
  segment_retention_days = 365
}

module "agents" {
  source = "../../modules/agent-role"
  name   = local.role_name
  vaults = [module.eu.vault, module.us.vault]
  # VPC endpoints reach their own region only; the other one is reached by the NAT gateways.
  bind_to_instance = false
  allowed_networks = var.nat_networks
}
