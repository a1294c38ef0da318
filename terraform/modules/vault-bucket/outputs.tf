output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = local.bucket_arn
}

output "vault" {
  description = "What the other modules need to know of this bucket."
  value = {
    bucket                 = var.bucket
    prefix                 = var.prefix
    account_id             = var.account_id
    region                 = var.region
    partition              = var.partition
    kms_key_arn            = local.kms_key_arn
    retention_days         = var.segment_retention_days
    when_complete_prefixes = var.when_complete_prefixes
  }
}

output "url" {
  description = "The bucket as Logcask names it."
  value       = "s3://${var.bucket}/${var.prefix}"
}

output "policy" {
  description = "The bucket's policy, for auditors and tests."
  value       = local.policy
}

output "kms_key_arn" {
  description = "Key that the bucket encrypts with; null: SSE-S3."
  value       = local.kms_key_arn
}

output "replication_role_arn" {
  description = "Role that replicates; goes into replicated_from of the other vault. null: nothing is replicated."
  value       = var.replicate_to == null ? null : "arn:${var.partition}:iam::${var.account_id}:role/${local.replication_role_name}"
}

output "replication_policy" {
  description = "What that role may do, for auditors and tests."
  value       = local.replication_policy
}

output "key_policy" {
  description = "With create_kms_key: the key's policy, for auditors and tests."
  value       = var.create_kms_key ? local.key_policy : null
}
