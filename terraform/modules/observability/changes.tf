locals {
  # Management events: CloudTrail has them without a trail, and EventBridge gets them.
  reconfigured = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["s3.amazonaws.com"]
      # Of some the name is the call's, of others it is the permission's: both where there are two.
      eventName = [
        "DeleteBucket",
        "DeleteBucketEncryption",
        "DeleteBucketLifecycle",
        "DeleteBucketOwnershipControls",
        "DeleteBucketPolicy",
        "DeleteBucketPublicAccessBlock",
        "DeleteBucketReplication",
        "PutBucketAcl",
        "PutBucketEncryption",
        "PutBucketLifecycle",
        "PutBucketLifecycleConfiguration",
        "PutBucketNotification",
        "PutBucketNotificationConfiguration",
        "PutBucketObjectLockConfiguration",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketPublicAccessBlock",
        "PutBucketReplication",
        "PutBucketVersioning",
        "PutObjectLockConfiguration",
      ]
      requestParameters = { bucketName = [var.vault.bucket] }
    }
  })

  # Data events: only where a trail has them.
  attacked = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource       = ["s3.amazonaws.com"]
      eventName         = local.attacks
      requestParameters = { bucketName = [var.vault.bucket] }
    }
  })

  attacks = ["DeleteObject", "DeleteObjects", "PutObjectAcl", "PutObjectLegalHold", "PutObjectRetention", "UpdateObjectEncryption"]

  key_threatened = jsonencode({
    source      = ["aws.kms"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["kms.amazonaws.com"]
      eventName   = ["DeleteImportedKeyMaterial", "DisableKey", "PutKeyPolicy", "ScheduleKeyDeletion"]
      resources   = { ARN = [var.vault.kms_key_arn] }
    }
  })

  rules = { for name, rule in {
    reconfigured = { pattern = local.reconfigured, description = "The vault was reconfigured, or somebody tried." }
    attacked     = var.trail_bucket == null ? null : { pattern = local.attacked, description = "Somebody tried to remove or change objects of the vault." }
    key          = var.vault.kms_key_arn == null ? null : { pattern = local.key_threatened, description = "Somebody works on the key that the vault is encrypted with." }
  } : name => rule if rule != null }

  targets = merge([for name in keys(local.rules) : { for index, arn in var.alarm_topic_arns : "${name}-${index}" => { rule = name, arn = arn } }]...)
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each      = local.rules
  name          = "${var.name}-${each.key}"
  region        = var.vault.region
  description   = each.value.description
  event_pattern = each.value.pattern
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.targets
  region   = var.vault.region
  rule     = aws_cloudwatch_event_rule.this[each.value.rule].name
  arn      = each.value.arn
}

resource "aws_cloudtrail" "this" {
  count                         = var.trail_bucket == null ? 0 : 1
  name                          = "${var.name}-vault"
  region                        = var.vault.region
  s3_bucket_name                = var.trail_bucket
  enable_log_file_validation    = true
  include_global_service_events = false
  advanced_event_selector {
    name = "Attacks on the vault"
    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }
    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }
    field_selector {
      field       = "resources.ARN"
      starts_with = ["arn:${var.vault.partition}:s3:::${var.vault.bucket}/"]
    }
    field_selector {
      field  = "eventName"
      equals = local.attacks
    }
  }
  tags = var.tags
}
