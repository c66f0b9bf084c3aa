#!/usr/bin/env bash
# Installs the Debian packages that the tests use, those that are missing only.
#   scripts/system-packages.sh           as root: installs; otherwise prints the line that would
#   scripts/system-packages.sh --check   prints what is missing, one per line; exit code 1 when something is
set -euo pipefail

# package:file-that-proves-it; a name without a slash is a command.
packages=(
  influxdb:influxd
  mosquitto:mosquitto
  chromium:chromium
  gcc:gcc
  libc6-dev:/usr/include/stdio.h
)
PATH="$PATH:/usr/sbin:/sbin"

present() {
  if [[ $1 == */* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

missing=()
for entry in "${packages[@]}"; do
  present "${entry#*:}" || missing+=("${entry%%:*}")
done

if [[ ${1:-} == --check ]]; then
  ((${#missing[@]} == 0)) && exit 0
  printf '%s\n' "${missing[@]}"
  exit 1
fi

((${#missing[@]} == 0)) && exit 0

install=(apt-get install -y --no-install-recommends "${missing[@]}")
if ((EUID != 0)); then
  echo "missing: ${missing[*]}; to install: sudo ${install[*]}" >&2
  exit 1
fi

# Debian starts a daemon that it installs, and these would take the ports 1883 and 8086.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
"${install[@]}"
