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

run "defaults_are_safe" {
  command = plan
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "The oldest version of a key is its content: there must be versions."
  }
  assert {
    condition     = aws_s3_bucket.this.object_lock_enabled && !aws_s3_bucket.this.force_destroy
    error_message = "Locked, and never emptied by Terraform."
  }
  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this[0].rule[0].default_retention[0].mode == "GOVERNANCE"
    error_message = "A lock that cannot be undone must be asked for."
  }
  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this[0].rule[0].default_retention[0].days == 30
    error_message = "30 days by default."
  }
  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "No ACLs."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Nothing is public."
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "SSE-S3 by default: no key to lose."
  }
  assert {
    condition     = contains(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).blocked_encryption_types, "SSE-C")
    error_message = "No keys of senders."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.status if rule.id == "segments"] == ["Disabled"]
    error_message = "Segments expire only when it is asked for."
  }
  assert {
    condition     = length(aws_s3_bucket_notification.this) == 0 && length(aws_s3_bucket_replication_configuration.this) == 0 && length(aws_kms_key.this) == 0
    error_message = "Nothing that was not asked for."
  }
  assert {
    condition     = aws_s3_bucket_policy.this.policy == output.policy
    error_message = "The policy that is put out is the one that is put."
  }
  assert {
    condition     = length([for statement in jsondecode(output.policy).Statement : statement if statement.Effect == "Allow"]) == 0
    error_message = "The policy gives nobody anything by default."
  }
  assert {
    condition     = contains([for statement in jsondecode(output.policy).Statement : try(statement.Resource[0], "") if statement.Sid == "CreateOnly"], "arn:aws:s3:::acme-logs/*")
    error_message = "Create-only everywhere, parts included."
  }
  assert {
    condition     = output.vault.prefix == "prod/" && output.url == "s3://acme-logs/prod/" && output.arn == "arn:aws:s3:::acme-logs"
    error_message = "What other modules are told."
  }
}

run "segments_expire_and_nothing_else" {
  command = plan
  variables {
    segment_retention_days = 90
    segment_transitions    = [{ days = 30, storage_class = "STANDARD_IA" }]
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.filter[0].prefix if length(rule.expiration) > 0] == ["prod/segments/"]
    error_message = "Only segments expire: seals, gaps, aliases and digests stay."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].status == "Enabled" && aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration[0].days == 90
    error_message = "After the days that were asked for."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].noncurrent_days == 1
    error_message = "And what the expiration leaves behind."
  }
  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[0].transition).storage_class == "STANDARD_IA"
    error_message = "Cheaper in between."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.abort_incomplete_multipart_upload[0].days_after_initiation if rule.id == "abandoned-uploads"] == [7]
    error_message = "Abandoned uploads go."
  }
  assert {
    condition     = output.vault.retention_days == 90
    error_message = "The agent is told."
  }
}

run "whole_files" {
  command = plan
  variables {
    when_complete_prefixes = ["files/"]
  }
  assert {
    condition     = jsonencode([for statement in jsondecode(output.policy).Statement : statement.NotResource if statement.Sid == "CreateOnly"]) == jsonencode([["arn:aws:s3:::acme-logs/prod/files/*", "arn:aws:s3:::acme-logs/prod/probes/*"]])
    error_message = "The exemption is of that prefix, and of the probe that tries it."
  }
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Condition.Bool["s3:ObjectCreationOperation"] if statement.Sid == "CreateOnlyAlsoInParts"] == ["true"]
    error_message = "What makes the object is not exempt."
  }
}

run "a_queue_is_told" {
  command = plan
  variables {
    notifications = { queue_arn = "arn:aws:sqs:eu-central-1:111122223333:log-compactor" }
  }
  assert {
    condition     = sort([for queue in aws_s3_bucket_notification.this[0].queue : queue.filter_prefix]) == tolist(["prod/gaps/", "prod/seals/", "prod/segments/"])
    error_message = "Of segments, seals and gaps."
  }
  assert {
    condition     = alltrue([for queue in aws_s3_bucket_notification.this[0].queue : contains(queue.events, "s3:ObjectCreated:*")])
    error_message = "When they were created."
  }
}

run "a_key" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    error_message = "With the key that was given."
  }
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "One request to KMS for many objects."
  }
  assert {
    condition     = length(aws_kms_key.this) == 0
    error_message = "And no other."
  }
}

run "a_key_of_its_own" {
  command = plan
  variables {
    create_kms_key     = true
    kms_user_role_arns = ["arn:aws:iam::444455556666:role/log-agent"]
  }
  assert {
    condition     = aws_kms_key.this[0].enable_key_rotation && aws_kms_key.this[0].policy == output.key_policy
    error_message = "A key that is rotated."
  }
  assert {
    condition     = anytrue([for statement in jsondecode(output.key_policy).Statement : statement.Effect == "Deny" && strcontains(jsonencode(statement.Action), "kms:ScheduleKeyDeletion")])
    error_message = "A key that nobody deletes."
  }
}

run "replication" {
  command = plan
  variables {
    replicate_to = { bucket = "acme-replica" }
  }
  assert {
    condition     = aws_s3_bucket_replication_configuration.this[0].rule[0].delete_marker_replication[0].status == "Disabled"
    error_message = "A delete marker here is none there."
  }
  assert {
    condition     = aws_s3_bucket_replication_configuration.this[0].rule[0].destination[0].bucket == "arn:aws:s3:::acme-replica"
    error_message = "To the bucket that was given."
  }
  assert {
    condition     = output.replication_role_arn == "arn:aws:iam::111122223333:role/acme-logs-replication"
    error_message = "A name that the other bucket can know before."
  }
  assert {
    condition     = !strcontains(output.replication_policy, "Delete")
    error_message = "Replication deletes nothing."
  }
}

run "other_accounts" {
  command = plan
  variables {
    agents           = [{ role_arn = "arn:aws:iam::444455556666:role/log-agent" }]
    reader_role_arns = ["arn:aws:iam::444455556666:role/auditor"]
  }
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource[0] if statement.Sid == "Agent0Creates"] == ["arn:aws:s3:::acme-logs/prod/segments/$${aws:userid}/*"]
    error_message = "Each host below its own name."
  }
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : length(statement.Resource) if statement.Sid == "Agent0Creates"] == [6]
    error_message = "Segments, seals, gaps, aliases, digests, probes."
  }
  assert {
    condition     = alltrue([for statement in jsondecode(output.policy).Statement : statement.Principal.AWS == "arn:aws:iam::444455556666:root" && can(statement.Condition.ArnEquals["aws:PrincipalArn"]) if startswith(statement.Sid, "Agent")])
    error_message = "That one role of that account."
  }
}
