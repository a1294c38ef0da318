#!/usr/bin/env bash
# The programs whose logs people rotate, for test/scenarios/programs: from Debian's packages, unpacked beside each other
# and never installed. Those that are not to be had are reported as not run. sudo has to be installed: it is setuid.
# usage: see ../install.ts
set -euo pipefail
[ "$1" = install ]
mkdir -p "$2/packages" "$2/root"
cd "$2/packages"
if ! command -v apt-get dpkg >/dev/null; then
  echo 'they come from Debian packages, by apt-get and dpkg' >&2
  exit 1
fi
if [ "$(id -u)" = 0 ] && ! apt-cache show rsyslog >/dev/null 2>&1; then apt-get -qq update; fi
packages=(
  logrotate libpopt0
  rsyslog libestr0 libfastjson4 liblognorm5
  mariadb-server-core mariadb-client-core mariadb-client libmariadb3 liburing2 libsnappy1v5
  apache2-utils libapr1 libaprutil1
)
for package in "${packages[@]}"; do
  apt-get -qq download "$package" 2>/dev/null || echo "no package $package" >&2
done
for archive in *.deb; do dpkg -x "$archive" "$2/root"; done
rm -rf "$2/packages"
# DuckDB, which queries an archive: from npm, as it is there for this machine.
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$2/root/duckdb" @duckdb/node-api@1.5.6-r.1 ||
  echo 'no package @duckdb/node-api' >&2
