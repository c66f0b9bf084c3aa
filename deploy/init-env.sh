#!/bin/sh
# Writes the passwords of docker-compose.yml to .env beside it, once: an existing file is left as it is.
set -eu
file="${1:-$(dirname "$0")/../.env}"
if [ -e "$file" ]; then
  echo "$file exists already; nothing changed" >&2
  exit 0
fi
umask 077
secret() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}
for name in EDGEWATT_INFLUX_ADMIN_PASSWORD EDGEWATT_INFLUX_WRITE_PASSWORD EDGEWATT_INFLUX_READ_PASSWORD EDGEWATT_GRAFANA_PASSWORD; do
  echo "$name=$(secret)"
done >"$file.new"
mv "$file.new" "$file"
echo "passwords are in $file" >&2
