locals {
  # What a compactor says of the bucket: kind, name of the alarm, what it means.
  findings = {
    tampered  = "A key has several versions or a delete marker: somebody overwrites or deletes. The oldest version counts and is untouched. Find out who."
    mismatch  = "The content of a stream is not what its seal says. Compare with another bucket: logcask verify --against."
    gap       = "Bytes are lost, or may be: logcask ls shows where."
    set-aside = "A published file differed from what was published, and was set aside."
  }
}

resource "aws_s3_bucket_metric" "delivered" {
  bucket = var.vault.bucket
  region = var.vault.region
  name   = "delivered"
  filter {
    prefix = var.vault.prefix == "" ? "digests/" : "${var.vault.prefix}digests/"
  }
}

resource "aws_cloudwatch_metric_alarm" "silent" {
  alarm_name          = "${var.name}-nothing-delivered"
  alarm_description   = "No host gave a sign of life for ${var.silence_minutes} minutes. logcask ls s3://${var.vault.bucket}/${var.vault.prefix} shows when each was heard last."
  region              = var.vault.region
  namespace           = "AWS/S3"
  metric_name         = "PutRequests"
  dimensions          = { BucketName = var.vault.bucket, FilterId = aws_s3_bucket_metric.delivered.name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = ceil(var.silence_minutes / 5)
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  # Without requests there are no numbers: that is the finding.
  treat_missing_data = "breaching"
  alarm_actions      = var.alarm_topic_arns
  ok_actions         = var.alarm_topic_arns
  tags               = var.tags
}

resource "aws_cloudwatch_metric_alarm" "age" {
  count               = var.compactor == null ? 0 : 1
  alarm_name          = "${var.name}-compactors-behind"
  alarm_description   = "The oldest message waits for more than ${var.message_age_seconds} s: too few compactors, or none gets on. Nothing is lost: complete files come later."
  region              = var.vault.region
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = var.compactor.queue_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.message_age_seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  count               = var.compactor == null ? 0 : 1
  alarm_name          = "${var.name}-messages-not-understood"
  alarm_description   = "Messages that no compactor understood, five times. The next full listing finds what they were about; look at one of them."
  region              = var.vault.region
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.compactor.dead_queue_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "down" {
  count               = var.compactor == null ? 0 : 1
  alarm_name          = "${var.name}-no-compactor"
  alarm_description   = "No compactor runs. Nothing is lost: complete files come later."
  region              = var.vault.region
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = var.compactor.cluster_name, ServiceName = var.compactor.cluster_name }
  statistic           = "Minimum"
  period              = 60
  evaluation_periods  = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_log_metric_filter" "finding" {
  for_each       = var.compactor == null ? {} : local.findings
  name           = "${var.name}-${each.key}"
  region         = var.vault.region
  log_group_name = var.compactor.log_group
  pattern        = "{ $.kind = \"${each.key}\" }"
  metric_transformation {
    namespace     = "Logcask"
    name          = "${var.name}-${each.key}"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "finding" {
  for_each            = var.compactor == null ? {} : local.findings
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value
  region              = var.vault.region
  namespace           = "Logcask"
  metric_name         = "${var.name}-${each.key}"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  tags                = var.tags
  depends_on          = [aws_cloudwatch_log_metric_filter.finding]
}
