mock_provider "aws" {
  override_during = plan
}

variables {
  name       = "log-compactor"
  account_id = "111122223333"
  vault      = { bucket = "acme-logs", account_id = "222233334444", region = "eu-central-1" }
}

run "a_queue_that_only_the_bucket_fills" {
  command = plan
  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "Encrypted, by a key that S3 can send to."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 5 && jsondecode(aws_sqs_queue.this.redrive_policy).deadLetterTargetArn == "arn:aws:sqs:eu-central-1:111122223333:log-compactor-dead"
    error_message = "What nobody understands is set aside."
  }
  assert {
    condition     = aws_sqs_queue.dead.message_retention_seconds == 1209600 && aws_sqs_queue.this.receive_wait_time_seconds == 20
    error_message = "For two weeks; and one request waits for many messages."
  }
  assert {
    condition     = jsondecode(output.policy).Statement[0].Condition == { ArnEquals = { "aws:SourceArn" = "arn:aws:s3:::acme-logs" }, StringEquals = { "aws:SourceAccount" = "222233334444" } }
    error_message = "That bucket of that account."
  }
  assert {
    condition     = output.url == "https://sqs.eu-central-1.amazonaws.com/111122223333/log-compactor"
    error_message = "Known before it is made."
  }
}
