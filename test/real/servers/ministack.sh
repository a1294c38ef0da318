#!/usr/bin/env bash
# ministack, AWS in one Python process. Verifies checksums, takes any secret. usage: see ../install.ts
set -euo pipefail
case $1 in
  install)
    python3 -m venv "$2/venv"
    "$2/venv/bin/pip" install --quiet ministack==1.5.33
    ;;
  start) cd "$3" && exec env GATEWAY_PORT="$4" BIND_HOST=127.0.0.1 "$2/venv/bin/ministack" ;;
esac
