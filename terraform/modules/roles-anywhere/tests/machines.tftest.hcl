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

run "machines_with_a_certificate" {
  command = plan
  assert {
    condition     = output.host_variable == "$${aws:PrincipalTag/x509Subject/CN}"
    error_message = "The host is the certificate's common name."
  }
  assert {
    condition     = contains(jsondecode(output.policy).Statement[0].Resource, "arn:aws:s3:::acme-eu/prod/segments/$${aws:PrincipalTag/x509Subject/CN}/*")
    error_message = "Each below its own."
  }
  assert {
    condition     = !aws_rolesanywhere_profile.this.accept_role_session_name && aws_rolesanywhere_profile.this.enabled && aws_rolesanywhere_trust_anchor.this.enabled
    error_message = "A machine does not name its session."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:PrincipalTag/x509Issuer/CN"] == "Acme Hosts CA"
    error_message = "Certificates of that authority alone."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == aws_rolesanywhere_trust_anchor.this.arn
    error_message = "By this trust anchor alone."
  }
  assert {
    condition     = strcontains(output.aws_config, "credential_process = aws_signing_helper credential-process --certificate /etc/logcask/host.crt --private-key /etc/logcask/host.key --trust-anchor-arn ${aws_rolesanywhere_trust_anchor.this.arn}")
    error_message = "What the machine's AWS configuration says."
  }
  assert {
    condition     = alltrue([for destination in yamldecode(output.agent_yaml).destinations : destination.profile == "logcask"])
    error_message = "The agent uses that profile."
  }
}
