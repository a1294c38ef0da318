locals {
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "PoliciesOfThisAccount"
          Effect    = "Allow"
          Principal = { AWS = "arn:${var.partition}:iam::${var.account_id}:root" }
          Action    = "kms:*"
          Resource  = "*"
        },
        {
          # A key that is gone takes all that was encrypted with it along, locked or not.
          Sid       = "NeverDeleted"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion"]
          Resource  = "*"
        },
        {
          Sid       = "PolicyByAdministratorsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["kms:CreateGrant", "kms:PutKeyPolicy"]
          Resource  = "*"
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = var.admin_role_arn } }
        },
      ],
      [for item in [
        {
          Sid       = "OtherAccountsThroughS3"
          Effect    = "Allow"
          Principal = { AWS = distinct([for arn in var.kms_user_role_arns : "arn:${var.partition}:iam::${split(":", arn)[4]}:root"]) }
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = "*"
          Condition = {
            ArnEquals    = { "aws:PrincipalArn" = var.kms_user_role_arns }
            StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
          }
        },
      ] : item if length(var.kms_user_role_arns) != 0],
    )
  })
}

resource "aws_kms_key" "this" {
  count               = var.create_kms_key ? 1 : 0
  region              = var.region
  description         = "Objects of ${var.bucket}"
  enable_key_rotation = true
  policy              = local.key_policy
  tags                = var.tags
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  count         = var.create_kms_key ? 1 : 0
  region        = var.region
  name          = "alias/${var.bucket}"
  target_key_id = aws_kms_key.this[0].key_id
}
