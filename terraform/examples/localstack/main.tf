# A local AWS: buckets, queue, notifications and policies as in production, for the scripts in /localstack.
# Without the parts that a local AWS has not: instances, certificates, Fargate.
locals {
  account_id = "000000000000"
  region     = "us-east-1"
}

provider "aws" {
  region                      = local.region
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  endpoints {
    s3  = var.endpoint
    sqs = var.endpoint
    iam = var.endpoint
    sts = var.endpoint
  }
}

module "vault" {
  source                 = "../../modules/vault-bucket"
  bucket                 = "acme-logs"
  prefix                 = "prod/"
  account_id             = local.account_id
  region                 = local.region
  admin_role_arn         = "arn:aws:iam::${local.account_id}:role/log-vault-admin"
  object_lock            = { mode = "GOVERNANCE", days = 1 }
  segment_retention_days = 30
  notifications          = { queue_arn = module.queue.arn }
}

module "archive" {
  source                 = "../../modules/vault-bucket"
  bucket                 = "acme-archive"
  account_id             = local.account_id
  region                 = local.region
  admin_role_arn         = "arn:aws:iam::${local.account_id}:role/log-vault-admin"
  object_lock            = { mode = "GOVERNANCE", days = 1 }
  when_complete_prefixes = ["files/"]
}

module "queue" {
  source     = "../../modules/compactor-queue"
  name       = "log-compactor"
  account_id = local.account_id
  vault      = module.vault.vault
}

module "agent" {
  source        = "../../modules/agent-policy"
  vaults        = [module.vault.vault]
  host_variable = "$${aws:userid}"
  host_template = "{aws_userid}"
  sources       = [{ name = "app", include = ["/var/log/app/*.log*"] }]
}

# Instead of an instance profile: who has the account's keys takes it on, by a session that is called like the host.
resource "aws_iam_role" "agent" {
  name = "log-agent"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::${local.account_id}:root" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "agent" {
  name = "create-only"
  role = aws_iam_role.agent.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = module.agent.statements
  })
}
