# What is refused, before anything is made.
mock_provider "aws" {
  override_during = plan
}

variables {
  name       = "log-compactor"
  account_id = "111122223333"
  vault      = { bucket = "acme-logs", account_id = "222233334444", region = "eu-central-1" }
}

run "a_fifo_queue" {
  command = plan
  variables {
    name = "q.fifo"
  }
  expect_failures = [var.name]
}

run "no_time_to_work" {
  command = plan
  variables {
    visibility_timeout_seconds = 1
  }
  expect_failures = [var.visibility_timeout_seconds]
}
