# What is refused, before anything is made.
mock_provider "aws" {
  override_during = plan
}

variables {
  account_id = "111122223333"
  vault      = { bucket = "acme-logs", prefix = "prod/", account_id = "111122223333", region = "eu-central-1" }
  archive    = { bucket = "acme-archive", prefix = "", region = "eu-central-1", when_complete_prefixes = ["files/"] }
  image      = "registry.example/logcask@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  vpc_id     = "vpc-0a"
  subnet_ids = ["subnet-0a"]
}

run "a_tag_that_can_be_moved" {
  command = plan
  variables {
    image = "registry.example/logcask:latest"
  }
  expect_failures = [var.image]
}

run "an_archive_in_the_vault" {
  command = plan
  variables {
    archive = { bucket = "acme-logs", prefix = "", region = "eu-central-1", when_complete_prefixes = ["files/"] }
  }
  expect_failures = [var.archive]
}

run "an_archive_elsewhere" {
  command = plan
  variables {
    archive = { bucket = "acme-archive", prefix = "", region = "us-east-1", when_complete_prefixes = ["files/"] }
  }
  expect_failures = [var.archive]
}

run "an_archive_without_parts" {
  command = plan
  variables {
    archive = { bucket = "acme-archive", prefix = "", region = "eu-central-1", when_complete_prefixes = [] }
  }
  expect_failures = [var.archive]
}

run "no_task_at_all" {
  command = plan
  variables {
    tasks = { min = 0 }
  }
  expect_failures = [var.tasks]
}

run "no_subnet" {
  command = plan
  variables {
    subnet_ids = []
  }
  expect_failures = [var.subnet_ids]
}

run "too_little_memory" {
  command = plan
  variables {
    memory = 256
  }
  expect_failures = [var.memory]
}

run "a_compression_that_is_none" {
  command = plan
  variables {
    compress = "rar"
  }
  expect_failures = [var.compress]
}

run "a_log_for_two_days" {
  command = plan
  variables {
    log_retention_days = 2
  }
  expect_failures = [var.log_retention_days]
}
