# What is refused, before anything is made.
mock_provider "aws" {
  override_during = plan
}

variables {
  vault            = { bucket = "acme-logs", prefix = "prod/", account_id = "111122223333", region = "eu-central-1" }
  alarm_topic_arns = ["arn:aws:sns:eu-central-1:111122223333:alarms"]
}

run "nobody_to_tell" {
  command = plan
  variables {
    alarm_topic_arns = []
  }
  expect_failures = [var.alarm_topic_arns]
}

run "silence_below_the_heartbeat" {
  command = plan
  variables {
    silence_minutes = 30
  }
  expect_failures = [var.silence_minutes]
}

run "a_trail_in_the_vault" {
  command = plan
  variables {
    trail_bucket = "acme-logs"
  }
  expect_failures = [var.trail_bucket]
}

run "an_age_of_nothing" {
  command = plan
  variables {
    message_age_seconds = 0
  }
  expect_failures = [var.message_age_seconds]
}
