# What is refused, before anything is made.
mock_provider "aws" {
  override_during = plan
}

variables {
  bucket         = "acme-logs"
  prefix         = "prod/"
  account_id     = "111122223333"
  region         = "eu-central-1"
  admin_role_arn = "arn:aws:iam::111122223333:role/log-vault-admin"
}

run "a_name_with_dots" {
  command = plan
  variables {
    bucket = "acme.logs"
  }
  expect_failures = [var.bucket]
}

run "a_prefix_without_its_slash" {
  command = plan
  variables {
    prefix = "prod"
  }
  expect_failures = [var.prefix]
}

run "an_account_that_is_none" {
  command = plan
  variables {
    account_id = "12"
  }
  expect_failures = [var.account_id]
}

run "a_region_that_is_none" {
  command = plan
  variables {
    region = "Frankfurt"
  }
  expect_failures = [var.region]
}

run "a_partition_that_is_none" {
  command = plan
  variables {
    partition = "azure"
  }
  expect_failures = [var.partition]
}

run "a_user_as_administrator" {
  command = plan
  variables {
    admin_role_arn = "arn:aws:iam::111122223333:user/jo"
  }
  expect_failures = [var.admin_role_arn]
}

run "agents_with_a_wildcard" {
  command = plan
  variables {
    agents = [{ role_arn = "arn:aws:iam::444455556666:role/*" }]
  }
  expect_failures = [var.agents]
}

run "a_host_with_a_wildcard" {
  command = plan
  variables {
    agents = [{ role_arn = "arn:aws:iam::444455556666:role/a", host = "*" }]
  }
  expect_failures = [var.agents]
}

run "readers_with_a_wildcard" {
  command = plan
  variables {
    reader_role_arns = ["*"]
  }
  expect_failures = [var.reader_role_arns]
}

run "parts_where_agents_stream" {
  command = plan
  variables {
    when_complete_prefixes = ["segments/"]
  }
  expect_failures = [var.when_complete_prefixes]
}

run "parts_everywhere" {
  command = plan
  variables {
    when_complete_prefixes = [""]
  }
  expect_failures = [var.when_complete_prefixes]
}

run "a_lock_of_another_kind" {
  command = plan
  variables {
    object_lock = { mode = "NONE" }
  }
  expect_failures = [var.object_lock]
}

run "a_lock_of_no_days" {
  command = plan
  variables {
    object_lock = { days = 0 }
  }
  expect_failures = [var.object_lock]
}

run "a_lock_for_ever_by_mistake" {
  command = plan
  variables {
    object_lock = { mode = "COMPLIANCE" }
  }
  expect_failures = [var.compliance_lock_is_meant]
}

run "segments_that_expire_below_their_lock" {
  command = plan
  variables {
    segment_retention_days = 7
  }
  expect_failures = [var.segment_retention_days]
}

run "a_class_that_is_not_read_at_once" {
  command = plan
  variables {
    segment_transitions = [{ days = 90, storage_class = "DEEP_ARCHIVE" }]
  }
  expect_failures = [var.segment_transitions]
}

run "infrequent_access_too_early" {
  command = plan
  variables {
    segment_transitions = [{ days = 1, storage_class = "STANDARD_IA" }]
  }
  expect_failures = [var.segment_transitions]
}

run "an_alias_of_a_key" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:alias/logs"
  }
  expect_failures = [var.kms_key_arn]
}

run "a_queue_elsewhere" {
  command = plan
  variables {
    notifications = { queue_arn = "arn:aws:sqs:us-east-1:111122223333:q" }
  }
  expect_failures = [var.notifications]
}

run "a_fifo_queue" {
  command = plan
  variables {
    notifications = { queue_arn = "arn:aws:sqs:eu-central-1:111122223333:q.fifo" }
  }
  expect_failures = [var.notifications]
}

run "a_replica_of_itself" {
  command = plan
  variables {
    replicate_to = { bucket = "acme-logs" }
  }
  expect_failures = [var.replicate_to]
}

run "replicas_by_anybody" {
  command = plan
  variables {
    replicated_from = ["*"]
  }
  expect_failures = [var.replicated_from]
}

run "keys_for_anybody" {
  command = plan
  variables {
    kms_user_role_arns = ["*"]
  }
  expect_failures = [var.kms_user_role_arns]
}
