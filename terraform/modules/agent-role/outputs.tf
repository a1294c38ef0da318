output "role_name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the role: goes into agents of a vault in another account."
  value       = aws_iam_role.this.arn
}

output "role_id" {
  description = "AROA…: a host is this, a colon, and the instance's id."
  value       = aws_iam_role.this.unique_id
}

output "instance_profile_name" {
  description = "For iam_instance_profile of instances and launch templates."
  value       = aws_iam_instance_profile.this.name
}

output "agent_yaml" {
  description = "The agent's configuration: /etc/logcask/agent.yaml."
  value       = module.policy.agent_yaml
}

output "policy" {
  description = "What the role may do, for auditors and tests."
  value       = local.policy
}

output "trust_policy" {
  description = "Who may take on the role, for auditors and tests."
  value       = local.trust
}
