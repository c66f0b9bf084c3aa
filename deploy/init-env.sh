#!/bin/sh
# Writes the passwords of docker-compose.yml to .env beside it, for its owner alone. What is in the file already stays as it is, so that
# a second run changes nothing, and a password that a newer edgewatt needs is added.
set -eu
file="${1:-$(dirname "$0")/../.env}"
umask 077
secret() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}
new="$(mktemp "$file.XXXXXX")"
trap 'rm -f "$new"' EXIT
if [ -e "$file" ]; then
  cat "$file" >"$new"
  # A last line without its end would take the next one into it.
  if [ -n "$(tail -c 1 "$new")" ]; then echo >>"$new"; fi
fi
added=0
for name in EDGEWATT_INFLUX_ADMIN_PASSWORD EDGEWATT_INFLUX_WRITE_PASSWORD EDGEWATT_INFLUX_READ_PASSWORD EDGEWATT_GRAFANA_PASSWORD; do
  if ! grep -q "^$name=." "$new"; then
    echo "$name=$(secret)" >>"$new"
    added=$((added + 1))
  fi
done
if [ "$added" -eq 0 ]; then
  chmod 600 "$file"
  echo "$file has every password already; nothing changed" >&2
  exit 0
fi
mv "$new" "$file"
trap - EXIT
echo "passwords are in $file" >&2
