# An application that logs ten lines a second and rotates once a minute.
set -eu
log=/var/log/app/app.log
line=0
while true; do
  line=$((line + 1))
  echo "$(date -u +%FT%TZ) $(hostname) line $line" >>"$log"
  if [ $((line % 600)) -eq 0 ]; then mv "$log" "$log.1"; fi
  sleep 0.1
done
