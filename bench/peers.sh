#!/usr/bin/env bash
# Installs the tools that the benchmarks compare with, where their package managers are, and says what it leaves out:
#   Mosquitto from Debian (as root), Telegraf by the Go toolchain (into GOBIN, else ~/go/bin; many minutes the first time),
#   onnxruntime for Python (into the Python that EDGEWATT_PYTHON names, else python3).
# bench/peers.sh --check prints what is missing, one name per line, installs nothing, and exits with 1 if there is any.
set -euo pipefail

TELEGRAF_VERSION=v1.37.2
# Only what the benchmark uses: all of Telegraf would take an hour and a gigabyte.
TELEGRAF_TAGS="custom,inputs.mqtt_consumer,outputs.influxdb,parsers.json_v2,parsers.influx"
ONNXRUNTIME_VERSION=1.30.0

has() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }
python() { "${EDGEWATT_PYTHON:-python3}" "$@"; }
has_mosquitto() { has mosquitto; }
has_telegraf() { has "${EDGEWATT_TELEGRAF:-telegraf}" || [ -x "${GOBIN:-$HOME/go/bin}/telegraf" ]; }
has_onnxruntime() { python -c "import onnx, onnxruntime.quantization" >/dev/null 2>&1; }

install_mosquitto() {
  if [ "$(id -u)" = 0 ] && has apt-get; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto
  else
    echo "mosquitto: as root, apt-get install mosquitto" >&2
    return 1
  fi
}

install_telegraf() {
  if ! has go; then
    echo "telegraf: needs Go (https://go.dev), then: bench/peers.sh" >&2
    return 1
  fi
  # A build that is not a release would call itself "unknown".
  nice -n 19 go install -tags "$TELEGRAF_TAGS" \
    -ldflags "-X github.com/influxdata/telegraf/internal.Version=${TELEGRAF_VERSION#v}" "github.com/influxdata/telegraf/cmd/telegraf@$TELEGRAF_VERSION"
}

install_onnxruntime() {
  python -m pip install --quiet "onnxruntime==$ONNXRUNTIME_VERSION" onnx
}

status=0
for peer in mosquitto telegraf onnxruntime; do
  "has_$peer" && continue
  if [ "${1:-}" = --check ]; then
    echo "$peer"
    status=1
  else
    echo "installing $peer …" >&2
    "install_$peer" || { echo "$peer is not installed; its benchmarks will say so" >&2; status=1; }
  fi
done
exit "$status"
