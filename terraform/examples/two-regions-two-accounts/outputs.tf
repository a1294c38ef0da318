output "agent_yaml" {
  description = "/etc/logcask/agent.yaml of every instance."
  value       = module.agents.agent_yaml
}

output "instance_profile_name" {
  description = "Give it to the instances."
  value       = module.agents.instance_profile_name
}

output "policies" {
  description = "What everybody may do, for auditors."
  value = {
    eu    = module.eu.policy
    us    = module.us.policy
    agent = module.agents.policy
  }
}
