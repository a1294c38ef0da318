locals {
  partition  = var.vault.partition
  bucket_arn = "arn:${local.partition}:s3:::${var.vault.bucket}"
  # In the bucket's region: S3 sends to no other. Made of names, so that the plan holds all policies.
  queue_arn = "arn:${local.partition}:sqs:${var.vault.region}:${var.account_id}:${var.name}"
  queue_url = "https://sqs.${var.vault.region}.${local.partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"}/${var.account_id}/${var.name}"
  dead_arn  = "${local.queue_arn}-dead"

  queue_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheBucketSends"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        Condition = {
          ArnEquals    = { "aws:SourceArn" = local.bucket_arn }
          StringEquals = { "aws:SourceAccount" = var.vault.account_id }
        }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = local.queue_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" }, BoolIfExists = { "aws:PrincipalIsAWSService" = "false" } }
      },
    ]
  })
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  region                    = var.vault.region
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue" "this" {
  name   = var.name
  region = var.vault.region
  # Messages are hints: what gets too old to be here, a full listing finds.
  message_retention_seconds  = 345600
  visibility_timeout_seconds = var.visibility_timeout_seconds
  receive_wait_time_seconds  = 20
  # S3 sends to a queue with SQS's own key; one of KMS would have to allow s3.amazonaws.com.
  sqs_managed_sse_enabled = true
  redrive_policy          = jsonencode({ deadLetterTargetArn = local.dead_arn, maxReceiveCount = 5 })
  tags                    = var.tags
  depends_on              = [aws_sqs_queue.dead]
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.url
  region    = var.vault.region
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arn]
  })
}

resource "aws_sqs_queue_policy" "this" {
  queue_url = aws_sqs_queue.this.url
  region    = var.vault.region
  policy    = local.queue_policy
}
