output "queue_arn" {
  description = "For notifications of the vault. The queue takes messages of that bucket by then."
  value       = module.queue.arn
}

output "queue_url" {
  description = "The queue as compactors elsewhere name it (--events)."
  value       = module.queue.url
}

output "dead_queue_name" {
  description = "Where messages end that no compactor understood."
  value       = module.queue.dead_name
}

output "queue_name" {
  description = "Name of the queue."
  value       = module.queue.name
}

output "task_role_arn" {
  description = "Role of the tasks: goes into reader_role_arns of a vault in another account."
  value       = "arn:${local.partition}:iam::${var.account_id}:role/${var.name}-task"
}

output "cluster_name" {
  description = "Name of the cluster, and of its service."
  value       = aws_ecs_cluster.this.name
}

output "log_group" {
  description = "Where the service logs: a JSON line for each event."
  value       = aws_cloudwatch_log_group.this.name
}

output "command" {
  description = "What each task runs, as logcask's arguments."
  value       = local.command
}

output "task_policy" {
  description = "What the tasks may do, for auditors and tests."
  value       = local.task_policy
}

output "execution_policy" {
  description = "What starts the tasks may do, for auditors and tests."
  value       = local.execution_policy
}

output "queue_policy" {
  description = "Who may send to the queue, for auditors and tests."
  value       = module.queue.policy
}
