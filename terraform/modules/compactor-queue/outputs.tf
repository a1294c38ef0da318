output "arn" {
  description = "For notifications of the vault. The queue takes messages of that bucket by then."
  value       = local.queue_arn
  depends_on  = [aws_sqs_queue_policy.this]
}

output "url" {
  description = "The queue as compactors name it (--events)."
  value       = local.queue_url
}

output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "dead_name" {
  description = "Where messages end that no compactor understood."
  value       = aws_sqs_queue.dead.name
}

output "policy" {
  description = "Who may send to the queue, for auditors and tests."
  value       = local.queue_policy
}
