#!/usr/bin/env bash
# versitygw, a directory served as S3. Verifies signatures and checksums. usage: see ../install.ts
set -euo pipefail
case $1 in
  install) GOBIN=$2 GOFLAGS=-modcacherw go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
  start)
    mkdir -p "$3/data"
    exec env ROOT_ACCESS_KEY=test ROOT_SECRET_KEY=testtest1 "$2/versitygw" --port "127.0.0.1:$4" posix "$3/data"
    ;;
esac
