"""LocalStack with its objects below TMPDIR: else one directory has those of all of a machine, and nobody clears it."""

import os
import runpy

import localstack.services.s3.provider as provider

provider.DEFAULT_S3_TMP_DIR = os.path.join(os.environ["TMPDIR"], "objects")
runpy.run_module("localstack.runtime.main", run_name="__main__")
