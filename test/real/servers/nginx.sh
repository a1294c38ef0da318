#!/usr/bin/env bash
# nginx, which asks for client certificates in front of a store: Debian's package, unpacked and never installed, or the
# one that is there. A tool, not a server. usage: see ../install.ts
set -euo pipefail
[ "$1" = install ]
mkdir -p "$2/packages" "$2/root"
if present=$(command -v nginx || ls /usr/sbin/nginx 2>/dev/null); then
  mkdir -p "$2/root/usr/sbin"
  ln -s "$present" "$2/root/usr/sbin/nginx"
elif command -v apt-get dpkg >/dev/null; then
  if [ "$(id -u)" = 0 ] && ! apt-cache show nginx >/dev/null 2>&1; then apt-get -qq update; fi
  (cd "$2/packages" && apt-get -qq download nginx 2>/dev/null)
  dpkg -x "$2"/packages/nginx_*.deb "$2/root"
else
  echo 'nginx comes from a Debian package, by apt-get and dpkg, or has to be there' >&2
  exit 1
fi
rm -rf "$2/packages"
"$2/root/usr/sbin/nginx" -v
