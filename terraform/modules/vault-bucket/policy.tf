# The policy is made of names, not of resources: all of it is in the plan, and can be tested before anything exists.
locals {
  objects = "${local.bucket_arn}/*"
  # With the probe's place: before the first file goes in parts, it finds out there whether the store keeps the condition then.
  wholes = [
    for prefix in(length(var.when_complete_prefixes) == 0 ? [] : concat(var.when_complete_prefixes, ["probes/"])) :
    "${local.bucket_arn}/${var.prefix}${prefix}*"
  ]
  kinds   = ["segments", "seals", "gaps", "aliases", "digests", "probes"]
  has_kms = var.create_kms_key || var.kms_key_arn != null

  root_of = { for arn in concat([for agent in var.agents : agent.role_arn], var.reader_role_arns) :
  arn => "arn:${var.partition}:iam::${split(":", arn)[4]}:root" }

  deny = concat(
    [
      # With no exemption an upload in parts is shut: its requests cannot carry the condition.
      { for key, value in {
        Sid         = "CreateOnly"
        Effect      = "Deny"
        Principal   = "*"
        Action      = "s3:PutObject"
        Resource    = length(local.wholes) == 0 ? [local.objects] : null
        NotResource = length(local.wholes) == 0 ? null : local.wholes
        Condition   = { Null = { "s3:if-none-match" = "true" } }
      } : key => value if value != null },
    ],
    [for item in [
      {
        Sid       = "CreateOnlyAlsoInParts"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = local.wholes
        Condition = {
          Null = { "s3:if-none-match" = "true" }
          # False for the requests that only bring parts. The one that makes the object of them is not exempt.
          Bool = { "s3:ObjectCreationOperation" = "true" }
        }
      },
    ] : item if length(local.wholes) != 0],
    [
      {
        Sid       = "NeverRemovedNorChanged"
        Effect    = "Deny"
        Principal = "*"
        Action = [
          "s3:BypassGovernanceRetention",
          "s3:DeleteObject",
          "s3:DeleteObjectTagging",
          "s3:DeleteObjectVersion",
          "s3:DeleteObjectVersionTagging",
          "s3:ObjectOwnerOverrideToBucketOwner",
          "s3:PutObjectAcl",
          # Whoever may set a lock may set one of a hundred years, at our cost.
          "s3:PutObjectLegalHold",
          "s3:PutObjectRetention",
          "s3:PutObjectTagging",
          "s3:PutObjectVersionAcl",
          "s3:PutObjectVersionTagging",
          # Encrypted again with a key that is then deleted, an object is gone.
          "s3:UpdateObjectEncryption",
        ]
        Resource = [local.objects]
      },
      { for key, value in {
        Sid       = "ReplicasOnlyByReplication"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:ReplicateObject", "s3:ReplicateTags"]
        Resource  = [local.objects]
        Condition = length(var.replicated_from) == 0 ? null : { ArnNotEquals = { "aws:PrincipalArn" = var.replicated_from } }
      } : key => value if value != null },
      {
        Sid       = "NoReplicatedDeletes"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:ReplicateDelete"]
        Resource  = [local.objects]
      },
      {
        Sid       = "ReconfiguredByAdministratorsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action = [
          "s3:DeleteBucket",
          "s3:DeleteBucketPolicy",
          "s3:PauseReplication",
          "s3:PutBucketAbac",
          "s3:PutBucketAcl",
          "s3:PutBucketLogging",
          "s3:PutBucketNotification",
          "s3:PutBucketObjectLockConfiguration",
          "s3:PutBucketOwnershipControls",
          "s3:PutBucketPolicy",
          "s3:PutBucketPublicAccessBlock",
          "s3:PutBucketVersioning",
          "s3:PutEncryptionConfiguration",
          # A rule deletes whatever the policy says.
          "s3:PutLifecycleConfiguration",
          "s3:PutReplicationConfiguration",
        ]
        Resource  = [local.bucket_arn]
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = var.admin_role_arn } }
      },
      {
        # Encrypted with a key of somebody else, an object is theirs to withhold.
        Sid       = "NoKeysOfSenders"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = [local.objects]
        Condition = { for key, value in {
          Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
          StringNotEquals = local.has_kms ? { "s3:x-amz-server-side-encryption-aws-kms-key-id" = local.kms_key_arn } : null
        } : key => value if value != null }
      },
      {
        Sid       = "NoKeysInRequests"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = [local.objects]
        Condition = { Null = { "s3:x-amz-server-side-encryption-customer-algorithm" = "false" } }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, local.objects]
        Condition = {
          Bool         = { "aws:SecureTransport" = "false" }
          BoolIfExists = { "aws:PrincipalIsAWSService" = "false" }
        }
      },
      {
        Sid       = "Tls12OrNewer"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, local.objects]
        Condition = {
          NumericLessThan = { "s3:TlsVersion" = "1.2" }
          BoolIfExists    = { "aws:PrincipalIsAWSService" = "false" }
        }
      },
    ],
  )

  # Of other accounts: their own policies must allow it as well.
  agents_allow = flatten([
    for index, agent in var.agents : [
      {
        Sid       = "Agent${index}Creates"
        Effect    = "Allow"
        Principal = { AWS = local.root_of[agent.role_arn] }
        Action    = ["s3:PutObject"]
        Resource  = [for kind in local.kinds : "${local.bucket_arn}/${var.prefix}${kind}/${agent.host}/*"]
        Condition = {
          ArnEquals = { "aws:PrincipalArn" = agent.role_arn }
          Null      = { "s3:if-none-match" = "false" }
        }
      },
      {
        Sid       = "Agent${index}Reads"
        Effect    = "Allow"
        Principal = { AWS = local.root_of[agent.role_arn] }
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = [for kind in local.kinds : "${local.bucket_arn}/${var.prefix}${kind}/${agent.host}/*"]
        Condition = { ArnEquals = { "aws:PrincipalArn" = agent.role_arn } }
      },
      {
        Sid       = "Agent${index}Lists"
        Effect    = "Allow"
        Principal = { AWS = local.root_of[agent.role_arn] }
        Action    = ["s3:ListBucket", "s3:ListBucketVersions"]
        Resource  = [local.bucket_arn]
        Condition = {
          ArnEquals  = { "aws:PrincipalArn" = agent.role_arn }
          StringLike = { "s3:prefix" = [for kind in local.kinds : "${var.prefix}${kind}/${agent.host}/*"] }
        }
      },
      {
        Sid       = "Agent${index}AsksForVersioning"
        Effect    = "Allow"
        Principal = { AWS = local.root_of[agent.role_arn] }
        Action    = ["s3:GetBucketVersioning"]
        Resource  = [local.bucket_arn]
        Condition = { ArnEquals = { "aws:PrincipalArn" = agent.role_arn } }
      },
    ]
  ])

  readers_allow = [for item in [
    {
      Sid       = "ReadersRead"
      Effect    = "Allow"
      Principal = { AWS = distinct([for arn in var.reader_role_arns : local.root_of[arn]]) }
      Action    = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource  = [local.objects]
      Condition = { ArnEquals = { "aws:PrincipalArn" = var.reader_role_arns } }
    },
    {
      Sid       = "ReadersList"
      Effect    = "Allow"
      Principal = { AWS = distinct([for arn in var.reader_role_arns : local.root_of[arn]]) }
      Action    = ["s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
      Resource  = [local.bucket_arn]
      Condition = { ArnEquals = { "aws:PrincipalArn" = var.reader_role_arns } }
    },
  ] : item if length(var.reader_role_arns) != 0]

  replication_allow = [for item in [
    {
      Sid       = "ReplicationCopies"
      Effect    = "Allow"
      Principal = { AWS = distinct([for arn in var.replicated_from : "arn:${var.partition}:iam::${split(":", arn)[4]}:root"]) }
      Action    = ["s3:ReplicateObject"]
      Resource  = [local.objects]
      Condition = { ArnEquals = { "aws:PrincipalArn" = var.replicated_from } }
    },
  ] : item if length(var.replicated_from) != 0]

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.deny, local.agents_allow, local.readers_allow, local.replication_allow)
  })
}
