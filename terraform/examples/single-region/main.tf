# One account, one region: instances deliver to a vault, a compactor on Fargate puts complete files into an archive.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

module "vault" {
  source                 = "../../modules/vault-bucket"
  bucket                 = "${var.name}-logs"
  prefix                 = "prod/"
  account_id             = var.account_id
  region                 = var.region
  admin_role_arn         = var.admin_role_arn
  segment_retention_days = 90
  notifications          = { queue_arn = module.compactor.queue_arn }
}

module "archive" {
  source                 = "../../modules/vault-bucket"
  bucket                 = "${var.name}-archive"
  account_id             = var.account_id
  region                 = var.region
  admin_role_arn         = var.admin_role_arn
  when_complete_prefixes = ["files/"]
}

module "agents" {
  source = "../../modules/agent-role"
  vaults = [module.vault.vault]
}

module "compactor" {
  source     = "../../modules/compactor"
  account_id = var.account_id
  vault      = module.vault.vault
  archive    = module.archive.vault
  image      = var.image
  vpc_id     = var.vpc_id
  subnet_ids = var.subnet_ids
}

module "observability" {
  source           = "../../modules/observability"
  vault            = module.vault.vault
  alarm_topic_arns = [var.alarm_topic_arn]
  compactor = {
    queue_name      = module.compactor.queue_name
    dead_queue_name = module.compactor.dead_queue_name
    cluster_name    = module.compactor.cluster_name
    log_group       = module.compactor.log_group
  }
}
