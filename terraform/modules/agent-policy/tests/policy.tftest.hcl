variables {
  vaults = [
    { bucket = "acme-eu", prefix = "prod/", account_id = "222233334444", region = "eu-central-1", retention_days = 90 },
    { bucket = "acme-us", prefix = "", account_id = "333344445555", region = "us-east-1", kms_key_arn = "arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab", when_complete_prefixes = ["files/"] },
  ]
  host_variable = "$${aws:userid}"
  host_template = "{aws_userid}"
  sources       = [{ name = "app", include = ["/var/log/app/*.log*"] }]
}

run "what_an_agent_may" {
  command = plan
  assert {
    condition     = length([for statement in output.statements : statement if statement.Effect != "Allow"]) == 0 && !strcontains(jsonencode(output.statements), "Delete")
    error_message = "It deletes nothing."
  }
  assert {
    condition     = [for statement in output.statements : statement.Condition.Null["s3:if-none-match"] if statement.Sid == "Create0"] == ["false"]
    error_message = "It creates only, whatever the bucket says."
  }
  assert {
    condition     = [for statement in output.statements : statement.Sid if contains(statement.Action, "s3:AbortMultipartUpload")] == ["GiveUpParts1"]
    error_message = "Parts only where whole files go."
  }
  assert {
    condition     = jsonencode([for statement in output.statements : statement.Resource if statement.Sid == "Encrypt"]) == jsonencode([["arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab"]])
    error_message = "The key of that bucket."
  }
  assert {
    condition     = yamldecode(output.agent_yaml).host == "{aws_userid}"
    error_message = "The host that the policy names."
  }
  assert {
    condition     = [for destination in yamldecode(output.agent_yaml).destinations : destination.url] == ["s3://acme-eu/prod/", "s3://acme-us/"]
    error_message = "Every vault is a destination."
  }
  assert {
    condition     = yamldecode(output.agent_yaml).destinations[0].retention == "90d" && yamldecode(output.agent_yaml).destinations[0].expectedBucketOwner == "222233334444"
    error_message = "With its retention and its owner."
  }
  assert {
    condition     = !can(yamldecode(output.agent_yaml).destinations[1].retention) && !can(yamldecode(output.agent_yaml).destinations[0].profile)
    error_message = "And nothing that is not so."
  }
}
