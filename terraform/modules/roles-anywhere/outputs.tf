output "role_arn" {
  description = "ARN of the role: goes into agents of a vault in another account, with host = $${aws:PrincipalTag/x509Subject/CN}."
  value       = aws_iam_role.this.arn
}

output "host_variable" {
  description = "The policy variable that is the host."
  value       = local.host_variable
}

output "agent_yaml" {
  description = "The agent's configuration: /etc/logcask/agent.yaml. The hostname must be the certificate's common name."
  value       = module.policy.agent_yaml
}

output "aws_config" {
  description = "For AWS_CONFIG_FILE of the agent, as in /etc/logcask/aws.config. Needs aws_signing_helper on the machine."
  value       = <<-EOT
    [profile ${local.profile}]
    region = ${var.region}
    credential_process = aws_signing_helper credential-process --certificate ${var.certificate_file} --private-key ${var.key_file} --trust-anchor-arn ${aws_rolesanywhere_trust_anchor.this.arn} --profile-arn ${aws_rolesanywhere_profile.this.arn} --role-arn ${aws_iam_role.this.arn}
  EOT
}

output "policy" {
  description = "What the role may do, for auditors and tests."
  value       = local.policy
}
