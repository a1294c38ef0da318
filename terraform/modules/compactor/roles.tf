locals {
  archive_arn = "arn:${local.partition}:s3:::${var.archive.bucket}"
  archive_to  = "${var.archive.prefix}${var.archive.when_complete_prefixes[0]}"

  # No write on the vault, and no delete anywhere.
  task_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "TakeHints"
          Effect = "Allow"
          Action = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
          ]
          Resource = [module.queue.arn]
        },
        {
          Sid      = "ReadTheVault"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = ["${local.bucket_arn}/${var.vault.prefix}*"]
        },
        {
          Sid      = "ListTheVault"
          Effect   = "Allow"
          Action   = ["s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
          Resource = [local.bucket_arn]
        },
        {
          Sid       = "CreateInTheArchive"
          Effect    = "Allow"
          Action    = ["s3:PutObject"]
          Resource  = ["${local.archive_arn}/${local.archive_to}*"]
          Condition = { Null = { "s3:if-none-match" = "false" } }
        },
        {
          # Requests that bring parts cannot carry the condition, and create nothing.
          Sid       = "SendPartsToTheArchive"
          Effect    = "Allow"
          Action    = ["s3:PutObject"]
          Resource  = ["${local.archive_arn}/${local.archive_to}*"]
          Condition = { Bool = { "s3:ObjectCreationOperation" = "false" } }
        },
        {
          Sid      = "CompareWithTheArchive"
          Effect   = "Allow"
          Action   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion"]
          Resource = ["${local.archive_arn}/${local.archive_to}*"]
        },
        {
          Sid       = "ListTheArchive"
          Effect    = "Allow"
          Action    = ["s3:ListBucket", "s3:ListBucketVersions"]
          Resource  = [local.archive_arn]
          Condition = { StringLike = { "s3:prefix" = ["${local.archive_to}*"] } }
        },
        {
          Sid      = "AskForVersioningOfTheArchive"
          Effect   = "Allow"
          Action   = ["s3:GetBucketVersioning"]
          Resource = [local.archive_arn]
        },
      ],
      [for item in [
        {
          Sid       = "DecryptTheVault"
          Effect    = "Allow"
          Action    = ["kms:Decrypt"]
          Resource  = [var.vault.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "s3.${var.vault.region}.amazonaws.com" } }
        },
      ] : item if var.vault.kms_key_arn != null],
      [for item in [
        {
          # Decrypt: the parts of an upload are put together again, and what is there is compared.
          Sid       = "EncryptTheArchive"
          Effect    = "Allow"
          Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource  = [var.archive.kms_key_arn]
          Condition = { StringEquals = { "kms:ViaService" = "s3.${var.archive.region}.amazonaws.com" } }
        },
      ] : item if var.archive.kms_key_arn != null],
    )
  })

  execution_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SignInToTheRegistry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = ["*"]
      },
      {
        Sid      = "PullTheImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = ["arn:${local.partition}:ecr:*:*:repository/*"]
      },
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:${local.partition}:logs:${var.vault.region}:${var.account_id}:log-group:${local.log_group}:*"]
      },
    ]
  })

  tasks_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TasksOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${var.vault.region}:${var.account_id}:*" }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    }]
  })
}

resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  description          = "Reads ${var.vault.bucket}, creates in ${var.archive.bucket}; changes and removes nothing"
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "task" {
  name   = "compact"
  role   = aws_iam_role.task.name
  policy = local.task_policy
}

resource "aws_iam_role" "execution" {
  name                 = "${var.name}-execution"
  description          = "Starts the tasks of ${var.name}: image and log"
  assume_role_policy   = local.tasks_trust
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.name
  policy = local.execution_policy
}
