# What is refused, before anything is made.
variables {
  vaults = [
    { bucket = "acme-eu", prefix = "prod/", account_id = "222233334444", region = "eu-central-1", retention_days = 90 },
    { bucket = "acme-us", prefix = "", account_id = "333344445555", region = "us-east-1", kms_key_arn = "arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab", when_complete_prefixes = ["files/"] },
  ]
  host_variable = "$${aws:userid}"
  host_template = "{aws_userid}"
  sources       = [{ name = "app", include = ["/var/log/app/*.log*"] }]
}

run "no_bucket" {
  command = plan
  variables {
    vaults = []
  }
  expect_failures = [var.vaults]
}

run "a_host_that_can_be_chosen" {
  command = plan
  variables {
    host_variable = "$${aws:username}*"
  }
  expect_failures = [var.host_variable]
}

run "a_host_of_its_own_making" {
  command = plan
  variables {
    host_template = "web-1"
  }
  expect_failures = [var.host_template]
}

run "a_relative_glob" {
  command = plan
  variables {
    sources = [{ name = "a", include = ["log/*"] }]
  }
  expect_failures = [var.sources]
}
