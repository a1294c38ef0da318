output "alarm_names" {
  description = "Names of all alarms."
  value = concat(
    [aws_cloudwatch_metric_alarm.silent.alarm_name],
    aws_cloudwatch_metric_alarm.age[*].alarm_name,
    aws_cloudwatch_metric_alarm.dead[*].alarm_name,
    aws_cloudwatch_metric_alarm.down[*].alarm_name,
    [for alarm in aws_cloudwatch_metric_alarm.finding : alarm.alarm_name],
  )
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "event_patterns" {
  description = "What the rules match, for tests."
  value       = { for name, rule in local.rules : name => rule.pattern }
}
