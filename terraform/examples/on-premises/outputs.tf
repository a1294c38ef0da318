output "agent_yaml" {
  description = "/etc/logcask/agent.yaml of every machine."
  value       = module.machines.agent_yaml
}

output "aws_config" {
  description = "/etc/logcask/aws.config of every machine, for AWS_CONFIG_FILE."
  value       = module.machines.aws_config
}

output "policies" {
  description = "What everybody may do, for auditors."
  value = {
    vault = module.vault.policy
    agent = module.machines.policy
  }
}
