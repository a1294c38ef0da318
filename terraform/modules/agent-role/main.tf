module "policy" {
  source        = "../agent-policy"
  vaults        = var.vaults
  host_variable = "$${aws:userid}"
  host_template = "{aws_userid}"
  sources       = var.sources
}

locals {
  partition = var.vaults[0].partition

  guards = concat(
    [for item in [
      {
        Sid       = "MetadataServiceVersion2"
        Effect    = "Deny"
        Action    = "*"
        Resource  = "*"
        Condition = { NumericLessThan = { "ec2:RoleDelivery" = "2.0" } }
      },
    ] : item if var.require_imdsv2],
    [for item in [
      {
        # Said by itself: what a variable without a value is compared to is nothing to build on.
        Sid      = "ByAnEndpointOnly"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          Null         = { "aws:SourceVpc" = "true", "ec2:SourceInstanceARN" = "false" }
          BoolIfExists = { "aws:ViaAWSService" = "false" }
        }
      },
      # Two statements: in one, both would have to be foreign.
      {
        Sid      = "FromTheInstancesVpcOnly"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          StringNotEquals = { "aws:Ec2InstanceSourceVpc" = "$${aws:SourceVpc}" }
          Null            = { "ec2:SourceInstanceARN" = "false" }
          BoolIfExists    = { "aws:ViaAWSService" = "false" }
        }
      },
      {
        Sid      = "FromTheInstancesAddressOnly"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          StringNotEquals = { "aws:Ec2InstanceSourcePrivateIPv4" = "$${aws:VpcSourceIp}" }
          Null            = { "ec2:SourceInstanceARN" = "false" }
          BoolIfExists    = { "aws:ViaAWSService" = "false" }
        }
      },
    ] : item if var.bind_to_instance],
    [for item in [
      {
        # By an endpoint there is no such address.
        Sid      = "FromOurNetworksOnly"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          NotIpAddress = { "aws:SourceIp" = var.allowed_networks }
          Null         = { "aws:SourceIp" = "false" }
          BoolIfExists = { "aws:ViaAWSService" = "false" }
        }
      },
      {
        # And by somebody else's endpoint, not either.
        Sid      = "ByTheInstancesEndpointsOnly"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          StringNotEquals = { "aws:Ec2InstanceSourceVpc" = "$${aws:SourceVpc}" }
          Null            = { "aws:SourceVpc" = "false", "ec2:SourceInstanceARN" = "false" }
          BoolIfExists    = { "aws:ViaAWSService" = "false" }
        }
      },
    ] : item if length(var.allowed_networks) != 0],
  )

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(module.policy.statements, local.guards)
  })

  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Instances"
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "this" {
  name                 = var.name
  path                 = var.path
  description          = "Creates log objects below its own host in ${join(", ", [for vault in var.vaults : vault.bucket])}; changes and removes nothing"
  assume_role_policy   = local.trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = "create-only"
  role   = aws_iam_role.this.name
  policy = local.policy
}

resource "aws_iam_instance_profile" "this" {
  name = var.name
  path = var.path
  role = aws_iam_role.this.name
  tags = var.tags
}
