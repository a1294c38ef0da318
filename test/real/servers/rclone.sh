#!/usr/bin/env bash
# rclone serve s3: overwrites whatever If-None-Match says. The probe must refuse it. usage: see ../install.ts
set -euo pipefail
case $1 in
  install) GOBIN=$2 GOFLAGS=-modcacherw go install github.com/rclone/rclone@v1.75.1 ;;
  start)
    mkdir -p "$3/data"
    exec env RCLONE_CONFIG="$3/none" "$2/rclone" serve s3 --auth-key test,testtest1 --addr "127.0.0.1:$4" "$3/data"
    ;;
esac
