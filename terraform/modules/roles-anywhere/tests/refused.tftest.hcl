# What is refused, before anything is made.
mock_provider "aws" {
  mock_resource "aws_rolesanywhere_trust_anchor" {
    override_during = plan
    defaults = {
      arn = "arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/1"
    }
  }
  mock_resource "aws_rolesanywhere_profile" {
    override_during = plan
    defaults = {
      arn = "arn:aws:rolesanywhere:eu-central-1:111122223333:profile/2"
    }
  }
  mock_resource "aws_iam_role" {
    override_during = plan
    defaults = {
      arn = "arn:aws:iam::111122223333:role/log-agent-on-premises"
    }
  }
}

variables {
  vaults = [
    { bucket = "acme-eu", prefix = "prod/", account_id = "222233334444", region = "eu-central-1", retention_days = 90 },
    { bucket = "acme-us", prefix = "", account_id = "333344445555", region = "us-east-1", kms_key_arn = "arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab", when_complete_prefixes = ["files/"] },
  ]
  region             = "eu-central-1"
  issuer_common_name = "Acme Hosts CA"
  ca_bundle_pem      = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
  allowed_networks   = ["203.0.113.0/24"]
}

run "a_key_among_the_certificates" {
  command = plan
  variables {
    ca_bundle_pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
  }
  expect_failures = [var.ca_bundle_pem]
}

run "a_bundle_that_is_none" {
  command = plan
  variables {
    ca_bundle_pem = "ca.pem"
  }
  expect_failures = [var.ca_bundle_pem]
}

run "any_issuer" {
  command = plan
  variables {
    issuer_common_name = "*"
  }
  expect_failures = [var.issuer_common_name]
}

run "a_network_that_is_none" {
  command = plan
  variables {
    allowed_networks = ["office"]
  }
  expect_failures = [var.allowed_networks]
}

run "a_session_of_a_week" {
  command = plan
  variables {
    session_seconds = 604800
  }
  expect_failures = [var.session_seconds]
}

run "a_relative_certificate" {
  command = plan
  variables {
    certificate_file = "host.crt"
  }
  expect_failures = [var.certificate_file]
}

run "a_relative_key" {
  command = plan
  variables {
    key_file = "host.key"
  }
  expect_failures = [var.key_file]
}
