# No resources: what an agent may do, and what its configuration says, for the modules that make agents' roles.
locals {
  kinds = ["segments", "seals", "gaps", "aliases", "digests", "probes"]
  arn   = { for index, vault in var.vaults : index => "arn:${vault.partition}:s3:::${vault.bucket}" }

  own    = { for index, vault in var.vaults : index => [for kind in local.kinds : "${local.arn[index]}/${vault.prefix}${kind}/${var.host_variable}/*"] }
  wholes = { for index, vault in var.vaults : index => [for prefix in vault.when_complete_prefixes : "${local.arn[index]}/${vault.prefix}${prefix}*"] }
  # Where parts may go: the probe tries them first.
  parted = { for index, vault in var.vaults : index => concat(local.wholes[index], ["${local.arn[index]}/${vault.prefix}probes/${var.host_variable}/*"]) }
  keys   = distinct([for vault in var.vaults : vault.kms_key_arn if vault.kms_key_arn != null])

  statements = flatten([
    [for index, vault in var.vaults : [
      {
        # The bucket's policy asks for the condition as well; with this one the role is safe in any bucket.
        Sid       = "Create${index}"
        Effect    = "Allow"
        Action    = ["s3:PutObject"]
        Resource  = local.own[index]
        Condition = { Null = { "s3:if-none-match" = "false" } }
      },
      {
        # After "it is there already" the bytes are read back and compared; the oldest version is the content.
        Sid      = "ReadBack${index}"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = concat(local.own[index], local.wholes[index])
      },
      {
        Sid      = "List${index}"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource = [local.arn[index]]
        Condition = { StringLike = { "s3:prefix" = concat(
          [for kind in local.kinds : "${vault.prefix}${kind}/${var.host_variable}/*"],
          [for prefix in vault.when_complete_prefixes : "${vault.prefix}${prefix}*"],
        ) } }
      },
      {
        Sid      = "AskForVersioning${index}"
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning"]
        Resource = [local.arn[index]]
      },
    ]],
    [for index, vault in var.vaults : [for item in [
      {
        Sid       = "CreateWhole${index}"
        Effect    = "Allow"
        Action    = ["s3:PutObject"]
        Resource  = local.wholes[index]
        Condition = { Null = { "s3:if-none-match" = "false" } }
      },
      {
        # Requests that bring parts cannot carry the condition, and create nothing.
        Sid       = "SendParts${index}"
        Effect    = "Allow"
        Action    = ["s3:PutObject"]
        Resource  = local.parted[index]
        Condition = { Bool = { "s3:ObjectCreationOperation" = "false" } }
      },
      {
        # Ends an upload that was not completed. It cannot touch an object.
        Sid      = "GiveUpParts${index}"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload"]
        Resource = local.parted[index]
      },
    ] : item if length(vault.when_complete_prefixes) != 0]],
    [for item in [
      {
        Sid       = "Encrypt"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = local.keys
        Condition = { StringLike = { "kms:ViaService" = "s3.*.amazonaws.com" } }
      },
    ] : item if length(local.keys) != 0],
  ])

  destinations = [for vault in var.vaults : { for key, value in {
    url                 = "s3://${vault.bucket}/${vault.prefix}"
    region              = vault.region
    profile             = var.profile
    expectedBucketOwner = vault.account_id
    retention           = vault.retention_days == null ? null : "${vault.retention_days}d"
  } : key => value if value != null }]
}
