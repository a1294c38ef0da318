#!/usr/bin/env bash
# moto, AWS's answers from memory. Verifies neither checksums nor secrets. usage: see ../install.ts
set -euo pipefail
case $1 in
  install)
    python3 -m venv "$2/venv"
    "$2/venv/bin/pip" install --quiet 'moto[server]==5.2.1'
    ;;
  start) cd "$3" && exec "$2/venv/bin/moto_server" -H 127.0.0.1 -p "$4" ;;
esac
