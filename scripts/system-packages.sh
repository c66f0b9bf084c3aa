#!/usr/bin/env bash
# Installs the Debian packages that the tests use, those that are missing only, and on x64 unpacks (without installing it) a
# Debian kernel that a test boots in QEMU, into /var/cache/edgewatt/kernel.
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
kernel_folder=/var/cache/edgewatt/kernel
kernel_modules=(i2c-dev i2c-stub industrialio kfifo_buf ina2xx-adc)
if [[ $(uname -m) == x86_64 ]]; then
  packages+=(
    qemu-system-x86:qemu-system-x86_64
    busybox-static:busybox
    cpio:cpio
    binutils:strip
    linux-image-amd64:$kernel_folder/vmlinuz
  )
fi
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

if ((EUID != 0)); then
  echo "missing: ${missing[*]}; to install: sudo scripts/system-packages.sh" >&2
  exit 1
fi

# Debian starts a daemon that it installs, and these would take the ports 1883 and 8086.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

# The image and the modules alone; installing the package would change what this machine boots.
unpack_kernel() {
  local package dir
  package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  dir=$(mktemp -d)
  chown _apt "$dir"
  (cd "$dir" && apt-get download -q "$package" && dpkg-deb -x ./*.deb .)
  mkdir -p "$kernel_folder"
  for module in "${kernel_modules[@]}"; do
    find "$dir/lib/modules" -name "$module.ko*" -exec cp {} "$kernel_folder/" \;
  done
  find "$kernel_folder" -name '*.xz' -exec unxz -f {} +
  # Last, since it proves that the others are there.
  cp "$dir"/boot/vmlinuz-* "$kernel_folder/vmlinuz"
  rm -rf "$dir"
}

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
install=()
for package in "${missing[@]}"; do
  [[ $package == linux-image-amd64 ]] || install+=("$package")
done
((${#install[@]} == 0)) || apt-get install -y --no-install-recommends "${install[@]}"
if [[ " ${missing[*]} " == *" linux-image-amd64 "* ]]; then unpack_kernel; fi
