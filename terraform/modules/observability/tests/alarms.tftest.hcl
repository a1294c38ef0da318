mock_provider "aws" {
  override_during = plan
}

variables {
  vault            = { bucket = "acme-logs", prefix = "prod/", account_id = "111122223333", region = "eu-central-1" }
  alarm_topic_arns = ["arn:aws:sns:eu-central-1:111122223333:alarms"]
}

run "without_a_compactor" {
  command = plan
  assert {
    condition     = output.alarm_names == ["logs-nothing-delivered"]
    error_message = "The bucket alone tells whether anything is delivered."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.silent.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.silent.evaluation_periods * aws_cloudwatch_metric_alarm.silent.period == 7200
    error_message = "No numbers for two hours are the finding."
  }
  assert {
    condition     = aws_s3_bucket_metric.delivered.filter[0].prefix == "prod/digests/"
    error_message = "Signs of life are digests."
  }
  assert {
    condition     = keys(output.event_patterns) == ["reconfigured"] && length(aws_cloudtrail.this) == 0
    error_message = "Who reconfigures the bucket is told without a trail."
  }
  assert {
    condition = length(setsubtract([
      "DeleteBucketEncryption", "DeleteBucketOwnershipControls", "DeleteBucketPolicy", "DeleteBucketPublicAccessBlock",
      "PutBucketObjectLockConfiguration", "PutBucketPolicy", "PutBucketPublicAccessBlock",
    ], jsondecode(output.event_patterns["reconfigured"]).detail.eventName)) == 0
    error_message = "Taking a setting away is reconfiguring, too."
  }
  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.this : target.arn == "arn:aws:sns:eu-central-1:111122223333:alarms"])
    error_message = "To the topic."
  }
}

run "with_all" {
  command = plan
  variables {
    vault        = { bucket = "acme-logs", prefix = "", account_id = "111122223333", region = "eu-central-1", kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/1" }
    compactor    = { queue_name = "q", dead_queue_name = "q-dead", cluster_name = "c", log_group = "/logcask/c" }
    trail_bucket = "acme-trail"
  }
  assert {
    condition     = length(output.alarm_names) == 8
    error_message = "Silence, age, dead messages, no task, four findings."
  }
  assert {
    condition     = aws_cloudwatch_log_metric_filter.finding["tampered"].pattern == "{ $.kind = \"tampered\" }"
    error_message = "As compactors write it."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.finding : alarm.threshold == 0 && contains(alarm.alarm_actions, "arn:aws:sns:eu-central-1:111122223333:alarms")])
    error_message = "One is enough."
  }
  assert {
    condition     = keys(output.event_patterns) == ["attacked", "key", "reconfigured"]
    error_message = "Who tries to delete, who works on the key, who reconfigures."
  }
  assert {
    condition     = aws_cloudtrail.this[0].enable_log_file_validation && aws_cloudtrail.this[0].s3_bucket_name == "acme-trail"
    error_message = "A trail that shows where it was changed."
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 6
    error_message = "Six plots."
  }
}
