#!/usr/bin/env bash
# The aws command: reads a stream back without Logcask. A tool, not a server. usage: see ../install.ts
set -euo pipefail
python3 -m venv "$2/venv"
"$2/venv/bin/pip" install --quiet awscli==1.44.49
