locals {
  bucket_arn  = "arn:${var.partition}:s3:::${var.bucket}"
  kms_key_arn = var.create_kms_key ? aws_kms_key.this[0].arn : var.kms_key_arn
}

# Versions: where somebody overwrites or deletes in spite of all, the oldest version of a key is its content.
resource "aws_s3_bucket" "this" {
  bucket              = var.bucket
  region              = var.region
  object_lock_enabled = var.object_lock != null
  force_destroy       = false
  tags                = var.tags
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  rule {
    # No ACLs: what another account's agent creates is the vault's.
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.bucket
  region                  = var.region
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.has_kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.kms_key_arn
    }
    # One request to KMS for many objects: without it each segment costs one.
    bucket_key_enabled = local.has_kms
    # A key that only the sender has would withhold what was delivered.
    blocked_encryption_types = ["SSE-C"]
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  count  = var.object_lock == null ? 0 : 1
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  rule {
    default_retention {
      mode = var.object_lock.mode
      days = var.object_lock.days
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket
  region = var.region

  # Rules know only prefixes, so that each names what it is about: nothing is said of seals, gaps, aliases and digests.
  rule {
    id     = "segments"
    status = var.segment_retention_days == null && length(var.segment_transitions) == 0 ? "Disabled" : "Enabled"
    filter {
      prefix = "${var.prefix}segments/"
    }
    dynamic "transition" {
      for_each = var.segment_transitions
      content {
        days          = transition.value.days
        storage_class = transition.value.storage_class
      }
    }
    dynamic "expiration" {
      for_each = var.segment_retention_days == null ? [] : [var.segment_retention_days]
      content {
        days = expiration.value
      }
    }
    # What the expiration leaves behind, and what somebody else's version displaced, once its lock is over.
    dynamic "noncurrent_version_expiration" {
      for_each = var.segment_retention_days == null ? [] : [1]
      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }
    # A rule needs something to do, also one that is off.
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Uploads in parts that a killed compactor or agent left: paid for, and seen by nobody.
  rule {
    id     = "abandoned-uploads"
    status = "Enabled"
    filter {
      prefix = ""
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_notification" "this" {
  count  = var.notifications == null ? 0 : 1
  bucket = aws_s3_bucket.this.bucket
  region = var.region

  # What a compactor acts on. Hints: at least once, in no order, and a listing from time to time is the truth.
  dynamic "queue" {
    for_each = toset(["segments/", "seals/", "gaps/"])
    content {
      id            = trimsuffix(queue.value, "/")
      queue_arn     = var.notifications.queue_arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "${var.prefix}${queue.value}"
    }
  }
}

# Last: from then on only the administrators' role reconfigures the bucket.
resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.bucket
  region = var.region
  policy = local.policy
  depends_on = [
    aws_s3_bucket_lifecycle_configuration.this,
    aws_s3_bucket_notification.this,
    aws_s3_bucket_object_lock_configuration.this,
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_public_access_block.this,
    aws_s3_bucket_replication_configuration.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}
