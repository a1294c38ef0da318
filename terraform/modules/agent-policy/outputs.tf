output "statements" {
  description = "Statements of the role's policy."
  value       = local.statements
}

output "agent_yaml" {
  description = "The agent's configuration: /etc/logcask/agent.yaml."
  value = yamlencode({
    host         = var.host_template
    sources      = [for source in var.sources : { for key, value in source : key => value if value != null }]
    destinations = local.destinations
  })
}
