locals {
  profile = "logcask"

  # The certificate's common name: Roles Anywhere puts it there, and who holds the key cannot choose it.
  host_variable = "$${aws:PrincipalTag/x509Subject/CN}"

  guards = [for item in [
    {
      Sid       = "FromOurNetworksOnly"
      Effect    = "Deny"
      Action    = "*"
      Resource  = "*"
      Condition = { NotIpAddress = { "aws:SourceIp" = var.allowed_networks }, BoolIfExists = { "aws:ViaAWSService" = "false" } }
    },
  ] : item if length(var.allowed_networks) != 0]

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(module.policy.statements, local.guards)
  })
}

module "policy" {
  source        = "../agent-policy"
  vaults        = var.vaults
  host_variable = local.host_variable
  # Fully qualified where the certificate is: the two must be the same text.
  host_template = "{hostname}"
  profile       = local.profile
  sources       = var.sources
}

resource "aws_rolesanywhere_trust_anchor" "this" {
  name    = var.name
  enabled = true
  source {
    source_type = "CERTIFICATE_BUNDLE"
    source_data {
      x509_certificate_data = var.ca_bundle_pem
    }
  }
  tags = var.tags
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Machines with a certificate: creates log objects below its own host; changes and removes nothing"
  permissions_boundary = var.permissions_boundary
  max_session_duration = max(3600, var.session_seconds)
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "MachinesOfThisAuthority"
      Effect    = "Allow"
      Principal = { Service = "rolesanywhere.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
      Condition = {
        ArnEquals    = { "aws:SourceArn" = aws_rolesanywhere_trust_anchor.this.arn }
        StringEquals = { "aws:PrincipalTag/x509Issuer/CN" = var.issuer_common_name }
        # A certificate without a common name would have an empty host.
        StringLike = { "aws:PrincipalTag/x509Subject/CN" = "?*" }
      }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "create-only"
  role   = aws_iam_role.this.name
  policy = local.policy
}

resource "aws_rolesanywhere_profile" "this" {
  name             = var.name
  enabled          = true
  role_arns        = [aws_iam_role.this.arn]
  duration_seconds = var.session_seconds
  # Else the machine would name its session, and with it a part of aws:userid.
  accept_role_session_name = false
  tags                     = var.tags
}
