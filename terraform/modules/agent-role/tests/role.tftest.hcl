mock_provider "aws" {
  override_during = plan
}

variables {
  vaults = [
    { bucket = "acme-eu", prefix = "prod/", account_id = "222233334444", region = "eu-central-1", retention_days = 90 },
    { bucket = "acme-us", prefix = "", account_id = "333344445555", region = "us-east-1", kms_key_arn = "arn:aws:kms:us-east-1:333344445555:key/1234abcd-12ab-34cd-56ef-1234567890ab", when_complete_prefixes = ["files/"] },
  ]
}

run "an_instances_role" {
  command = plan
  assert {
    condition     = aws_iam_instance_profile.this.role == "log-agent" && aws_iam_role_policy.this.policy == output.policy
    error_message = "The profile has the role, and the role the policy."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "ec2.amazonaws.com"
    error_message = "Instances take it on."
  }
  assert {
    condition     = toset([for statement in jsondecode(output.policy).Statement : statement.Sid if statement.Effect == "Deny"]) == toset(["MetadataServiceVersion2", "ByAnEndpointOnly", "FromTheInstancesVpcOnly", "FromTheInstancesAddressOnly"])
    error_message = "Stolen credentials are of no use elsewhere, by default."
  }
}

run "without_endpoints_in_the_vpc" {
  command = plan
  variables {
    bind_to_instance     = false
    path                 = "/logs/"
    permissions_boundary = "arn:aws:iam::111122223333:policy/boundary"
  }
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Sid if statement.Effect == "Deny"] == ["MetadataServiceVersion2"]
    error_message = "Only what was switched off is off."
  }
  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary" && aws_iam_role.this.path == "/logs/" && aws_iam_instance_profile.this.path == "/logs/"
    error_message = "Bounded, and below its path."
  }
}

run "another_region" {
  command = plan
  variables {
    bind_to_instance = false
    allowed_networks = ["198.51.100.0/28"]
  }
  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Sid if statement.Effect == "Deny"] == ["MetadataServiceVersion2", "FromOurNetworksOnly", "ByTheInstancesEndpointsOnly"]
    error_message = "From the NAT gateways, or by the instance's own endpoints."
  }
}
