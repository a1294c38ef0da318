# What is refused, before anything is made.
mock_provider "aws" {
  override_during = plan
}

variables {
  vaults = [
    { bucket = "acme-eu", prefix = "prod/", account_id = "222233334444", region = "eu-central-1", retention_days = 90 },
    { bucket = "acme-us", prefix = "", account_id = "333344445555", region = "us-east-1", kms_key_arn = "arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab", when_complete_prefixes = ["files/"] },
  ]
}

run "a_name_with_a_slash" {
  command = plan
  variables {
    name = "logs/agent"
  }
  expect_failures = [var.name]
}

run "a_path_without_its_slash" {
  command = plan
  variables {
    path = "logs"
  }
  expect_failures = [var.path]
}

run "a_boundary_that_is_none" {
  command = plan
  variables {
    permissions_boundary = "boundary"
  }
  expect_failures = [var.permissions_boundary]
}

run "a_network_that_is_none" {
  command = plan
  variables {
    bind_to_instance = false
    allowed_networks = ["nat"]
  }
  expect_failures = [var.allowed_networks]
}

run "networks_that_would_be_refused" {
  command = plan
  variables {
    allowed_networks = ["198.51.100.0/28"]
  }
  expect_failures = [var.allowed_networks]
}
