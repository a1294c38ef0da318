terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first with `blocked_encryption_types` that the tests know; `region` on resources came with 6.0.
      version = ">= 6.25"
    }
  }
}
