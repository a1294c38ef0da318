#!/usr/bin/env bash
# Ceph RGW on one machine: one monitor, one OSD in memory, one gateway, no manager. Without versioning it keeps
# If-None-Match; verifies secrets and SHA-256 payloads, no x-amz-checksum. Debian 12 has 16.2. usage: see ../install.ts
set -euo pipefail

install() {
  if command -v ceph-mon radosgw ceph-osd ceph >/dev/null; then return; fi
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo 'Ceph comes by apt-get as root: apt-get install ceph-mon ceph-osd radosgw ceph-common' >&2
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends ceph-mon ceph-osd radosgw ceph-common
}

configure() { # DIR PORT MONITOR_PORT
  mkdir -p "$1"/{mon,osd,rgw,log,run}
  fsid=$(cat /proc/sys/kernel/random/uuid)
  cat >"$1/ceph.conf" <<C
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$3
public network = 127.0.0.0/8
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
mon allow pool size one = true
mon max pg per osd = 2000
mon data avail crit = 1
mon data = $1/mon
osd data = $1/osd
run dir = $1/run
log file = $1/log/\$name.log
keyring = $1/keyring
admin socket = $1/run/\$name.asok
[client.rgw]
rgw data = $1/rgw
rgw frontends = beast endpoint=127.0.0.1:$2
C
  # With keys, though nobody else is here: without (auth … = none) a monitor now and then answers EPERM.
  ceph-authtool --create-keyring "$1/keyring" --gen-key -n mon. --cap mon 'allow *'
  for client in admin rgw; do
    ceph-authtool "$1/keyring" --gen-key -n "client.$client" --cap mon 'allow *' --cap osd 'allow *'
  done
  monmaptool --create --clobber --addv a "[v2:127.0.0.1:$3]" --fsid "$fsid" "$1/monmap"
  ceph-mon --mkfs -i a --monmap "$1/monmap" --keyring "$1/keyring"
}

# On a busy machine an answer may take long, or never come to the first who asks.
insist() { # COMMAND…
  for _ in 1 2 3 4 5 6; do
    if timeout 30 "$@"; then return; fi
    sleep 1
  done
  failure="no success in 6 tries: $*"
  return 1
}

start() { # DIR PORT MONITOR_PORT
  export CEPH_CONF=$1/ceph.conf
  cd "$1"
  configure "$@"
  # -f keeps each in the foreground, so that its process id is ours to end; -9, as the gateway waits for its OSD.
  failure='a daemon ended'
  trap 'trap - EXIT; kill -9 $(jobs -p); wait; echo "$failure"' EXIT
  trap 'failure="told to stop"; exit 143' TERM INT
  ceph-mon -f -i a &
  insist ceph -s >/dev/null
  local osd
  osd=$(cat /proc/sys/kernel/random/uuid)
  ceph-authtool keyring --gen-key -n osd.0
  echo "{\"cephx_secret\": \"$(ceph-authtool keyring -p -n osd.0)\"}" >osd.json
  insist ceph osd new "$osd" -i osd.json
  ceph-osd -i 0 --mkfs --osd-uuid "$osd"
  ceph-osd -f -i 0 &
  insist bash -c "until ceph osd stat | grep -q '1 up'; do sleep 0.5; done"
  insist radosgw-admin user create --uid=test --display-name=test --access-key=test --secret=testtest1 >/dev/null
  radosgw -f -n client.rgw &
  wait -n
}

case $1 in
  install) install ;;
  start) start "$3" "$4" "$5" ;;
esac
