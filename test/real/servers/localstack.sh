#!/usr/bin/env bash
# LocalStack 4.14.0, the last one without a token. Needs Python 3.13 (with 3.11 it starts, then answers 500), and its
# dependencies as of its release: with today's cbor2 and pyOpenSSL it does not start. usage: see ../install.ts
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A pyenv shim is there also where it does not run: each candidate has to.
python_3_13() {
  local candidate
  for candidate in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3; do
    if "$candidate" -c '' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

case $1 in
  install)
    python=$(python_3_13) || { echo 'LocalStack 4.14 needs Python 3.13: pyenv install 3.13' >&2; exit 1; }
    export UV_PYTHON_DOWNLOADS=never
    python3 -m venv "$2/uv"
    "$2/uv/bin/pip" install --quiet uv
    "$2/uv/bin/uv" --quiet venv --python "$python" "$2/venv"
    "$2/uv/bin/uv" --quiet pip install --python "$2/venv/bin/python" --exclude-newer 2026-03-20 'localstack-core[runtime]==4.14.0'
    ;;
  start)
    cd "$3"
    exec env SERVICES=s3,sqs GATEWAY_LISTEN="127.0.0.1:$4" DNS_ADDRESS=0 SKIP_SSL_CERT_DOWNLOAD=1 DISABLE_EVENTS=1 \
      XDG_CACHE_HOME="$3" TMPDIR="$3" "$2/venv/bin/python" "$here/localstack-own-storage.py"
    ;;
esac
