locals {
  replication_role_name = "${var.bucket}-replication"
  replication_policy = var.replicate_to == null ? null : jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadTheConfiguration"
          Effect   = "Allow"
          Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
          Resource = [local.bucket_arn]
        },
        {
          Sid    = "ReadVersionsAndTheirLocks"
          Effect = "Allow"
          Action = [
            "s3:GetObjectLegalHold",
            "s3:GetObjectRetention",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionTagging",
          ]
          Resource = [local.objects]
        },
        {
          # No ReplicateDelete: a delete marker here is none there.
          Sid      = "Copy"
          Effect   = "Allow"
          Action   = ["s3:ReplicateObject"]
          Resource = ["arn:${var.partition}:s3:::${var.replicate_to.bucket}/*"]
        },
      ],
      [for item in [
        {
          Sid      = "DecryptHere"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = [local.kms_key_arn]
        },
      ] : item if local.has_kms],
      [for item in [
        {
          Sid      = "EncryptThere"
          Effect   = "Allow"
          Action   = ["kms:GenerateDataKey"]
          Resource = [var.replicate_to.kms_key_arn]
        },
      ] : item if var.replicate_to.kms_key_arn != null],
    )
  })
}

resource "aws_iam_role" "replication" {
  count = var.replicate_to == null ? 0 : 1
  name  = local.replication_role_name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id }, ArnEquals = { "aws:SourceArn" = local.bucket_arn } }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "replication" {
  count  = var.replicate_to == null ? 0 : 1
  name   = "replication"
  role   = aws_iam_role.replication[0].name
  policy = local.replication_policy
}

resource "aws_s3_bucket_replication_configuration" "this" {
  count  = var.replicate_to == null ? 0 : 1
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  role   = aws_iam_role.replication[0].arn

  rule {
    id     = "everything"
    status = "Enabled"
    filter {
      prefix = ""
    }
    delete_marker_replication {
      status = "Disabled"
    }
    dynamic "source_selection_criteria" {
      for_each = local.has_kms ? [1] : []
      content {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }
    }
    destination {
      # Bucket owner enforced there: the copies are that account's without more.
      bucket = "arn:${var.partition}:s3:::${var.replicate_to.bucket}"
      dynamic "encryption_configuration" {
        for_each = var.replicate_to.kms_key_arn == null ? [] : [var.replicate_to.kms_key_arn]
        content {
          replica_kms_key_id = encryption_configuration.value
        }
      }
    }
  }
  depends_on = [aws_s3_bucket_versioning.this, aws_iam_role_policy.replication]
}
