module "queue" {
  source                     = "../compactor-queue"
  name                       = var.name
  account_id                 = var.account_id
  vault                      = var.vault
  visibility_timeout_seconds = var.visibility_timeout_seconds
  tags                       = var.tags
}

locals {
  partition  = var.vault.partition
  bucket_arn = "arn:${local.partition}:s3:::${var.vault.bucket}"
  log_group  = "/logcask/${var.name}"
  from       = "s3://${var.vault.bucket}/${var.vault.prefix}"
  to         = "s3://${var.archive.bucket}/${local.archive_to}"

  command = [
    "compact",
    "--from", local.from,
    "--archive", local.to,
    "--compress", var.compress,
    "--events", module.queue.url,
    "--spool", "/spool",
    "--json",
  ]

  container = {
    name      = "compactor"
    image     = var.image
    essential = true
    command   = local.command
    user      = "65532:65532"
    environment = [
      { name = "AWS_REGION", value = var.vault.region },
      { name = "TMPDIR", value = "/spool" },
    ]
    # All that it writes on disk may be lost at any time.
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "spool", containerPath = "/spool", readOnly = false }]
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    stopTimeout            = 60
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = local.log_group
        "awslogs-region"        = var.vault.region
        "awslogs-stream-prefix" = "compactor"
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group
  region            = var.vault.region
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_ecs_cluster" "this" {
  name   = var.name
  region = var.vault.region
  setting {
    # Else there is no number of running tasks to divide the backlog by.
    name  = "containerInsights"
    value = "enabled"
  }
  tags = var.tags
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  region                   = var.vault.region
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.cpu)
  memory                   = tostring(var.memory)
  task_role_arn            = aws_iam_role.task.arn
  execution_role_arn       = aws_iam_role.execution.arn
  container_definitions    = jsonencode([local.container])
  ephemeral_storage {
    size_in_gib = var.spool_gib
  }
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
  volume {
    name = "spool"
  }
  tags = var.tags
}

resource "aws_security_group" "this" {
  name        = var.name
  region      = var.vault.region
  description = "${var.name}: asks AWS by HTTPS, and is asked by nobody"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  region            = var.vault.region
  description       = "S3, SQS, CloudWatch Logs, the image's registry"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_ecs_service" "this" {
  name                               = var.name
  region                             = var.vault.region
  cluster                            = aws_ecs_cluster.this.arn
  task_definition                    = aws_ecs_task_definition.this.arn
  desired_count                      = var.tasks.min
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  enable_execute_command             = false
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = false
  }
  tags       = var.tags
  depends_on = [aws_iam_role_policy.task, aws_iam_role_policy.execution]
  lifecycle {
    # The scaling below changes it.
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "this" {
  region             = var.vault.region
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.tasks.min
  max_capacity       = var.tasks.max
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "backlog-per-task"
  region             = var.vault.region
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_task
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    customized_metric_specification {
      metrics {
        id          = "visible"
        return_data = false
        metric_stat {
          stat = "Sum"
          metric {
            namespace   = "AWS/SQS"
            metric_name = "ApproximateNumberOfMessagesVisible"
            dimensions {
              name  = "QueueName"
              value = var.name
            }
          }
        }
      }
      metrics {
        id          = "running"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"
            dimensions {
              name  = "ClusterName"
              value = var.name
            }
            dimensions {
              name  = "ServiceName"
              value = var.name
            }
          }
        }
      }
      metrics {
        id    = "backlog"
        label = "Messages for each task"
        # No number of tasks, or none running yet, counts as one: nothing is divided by nothing.
        expression  = "visible / IF(FILL(running, 1) > 0, FILL(running, 1), 1)"
        return_data = true
      }
    }
  }
}
