output "agent_yaml" {
  description = "/etc/logcask/agent.yaml of every instance."
  value       = module.agents.agent_yaml
}

output "instance_profile_name" {
  description = "Give it to the instances."
  value       = module.agents.instance_profile_name
}

output "compactor_command" {
  description = "What each compactor runs."
  value       = module.compactor.command
}

output "policies" {
  description = "What everybody may do, for auditors."
  value = {
    vault     = module.vault.policy
    archive   = module.archive.policy
    agent     = module.agents.policy
    compactor = module.compactor.task_policy
    queue     = module.compactor.queue_policy
  }
}
