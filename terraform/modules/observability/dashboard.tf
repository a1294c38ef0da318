locals {
  compactor = var.compactor != null ? var.compactor : { queue_name = "", dead_queue_name = "", cluster_name = "", log_group = "" }

  widgets = concat(
    [
      {
        title   = "Signs of life (PUTs of digests)"
        metrics = [["AWS/S3", "PutRequests", "BucketName", var.vault.bucket, "FilterId", "delivered", { stat = "Sum" }]]
      },
      {
        title   = "Stored bytes"
        metrics = [["AWS/S3", "BucketSizeBytes", "BucketName", var.vault.bucket, "StorageType", "StandardStorage", { stat = "Average", period = 86400 }]]
      },
    ],
    [for item in [
      {
        title = "Messages waiting, and not understood"
        metrics = [
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.compactor.queue_name, { stat = "Maximum" }],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", local.compactor.dead_queue_name, { stat = "Maximum" }],
        ]
      },
      {
        title   = "Age of the oldest message, s"
        metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.compactor.queue_name, { stat = "Maximum" }]]
      },
      {
        title   = "Compactors"
        metrics = [["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", local.compactor.cluster_name, "ServiceName", local.compactor.cluster_name, { stat = "Average" }]]
      },
      {
        title   = "Findings"
        metrics = [for kind in keys(local.findings) : ["Logcask", "${var.name}-${kind}", { stat = "Sum" }]]
      },
    ] : item if var.compactor != null],
  )

  dashboard = jsonencode({
    widgets = [for index, widget in local.widgets : {
      type   = "metric"
      x      = index % 2 * 12
      y      = floor(index / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = widget.title
        region  = var.vault.region
        view    = "timeSeries"
        period  = 300
        metrics = widget.metrics
      }
    }]
  })
}

# Dashboards belong to the account, not to a region.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = local.dashboard
}
