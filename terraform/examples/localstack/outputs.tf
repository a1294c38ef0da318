output "agent_yaml" {
  description = "The agents' configuration."
  value       = module.agent.agent_yaml
}

output "queue_url" {
  description = "The queue that compactors take hints from."
  value       = module.queue.url
}
