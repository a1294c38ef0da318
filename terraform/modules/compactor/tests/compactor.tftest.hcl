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

run "a_service" {
  command = plan
  assert {
    condition     = output.command == ["compact", "--from", "s3://acme-logs/prod/", "--archive", "s3://acme-archive/files/", "--compress", "gzip", "--events", "https://sqs.eu-central-1.amazonaws.com/111122223333/log-compactor", "--spool", "/spool", "--json"]
    error_message = "What a task runs."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65532:65532"
    error_message = "Not root, and nothing to write on but the spool."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"]
    error_message = "No capability."
  }
  assert {
    condition     = !aws_ecs_service.this.enable_execute_command && !aws_ecs_service.this.network_configuration[0].assign_public_ip
    error_message = "Nobody enters it."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.https.from_port == 443 && aws_vpc_security_group_egress_rule.https.to_port == 443
    error_message = "It asks by HTTPS."
  }
  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 1 && aws_appautoscaling_target.this.max_capacity == 8
    error_message = "One to eight tasks."
  }
  assert {
    condition     = aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].target_value == 1000
    error_message = "By the backlog for each."
  }
  assert {
    condition     = one([for setting in aws_ecs_cluster.this.setting : setting.value if setting.name == "containerInsights"]) == "enabled"
    error_message = "Without Container Insights there is no number of tasks."
  }
  assert {
    condition     = !strcontains(output.task_policy, "Delete") || length(regexall("Delete[A-Za-z]+", output.task_policy)) == length(regexall("sqs:DeleteMessage", output.task_policy))
    error_message = "It deletes messages, and nothing else."
  }
  assert {
    condition     = alltrue([for statement in jsondecode(output.task_policy).Statement : !anytrue([for action in statement.Action : startswith(action, "s3:Put")]) || alltrue([for resource in statement.Resource : startswith(resource, "arn:aws:s3:::acme-archive/")])])
    error_message = "It writes nothing into the vault."
  }
  assert {
    condition     = output.task_role_arn == "arn:aws:iam::111122223333:role/log-compactor-task"
    error_message = "A name that a vault elsewhere can know before."
  }
  assert {
    condition     = aws_ecs_task_definition.this.ephemeral_storage[0].size_in_gib == 64 && aws_cloudwatch_log_group.this.retention_in_days == 90
    error_message = "Room for two files that are compressed, and a log that ends."
  }
}
