import type { Unit } from "@edgewatt/protocol";
import * as units from "@grafana/grafana-foundation-sdk/units";

/** Grafana's name of each unit of the catalogue; what it has no unit for is a suffix, which Grafana sets apart itself. */
export const GRAFANA_UNIT: Readonly<Record<Unit, string>> = {
  W: units.Watt,
  V: units.Volt,
  A: units.Ampere,
  ms: units.Milliseconds,
  s: units.Seconds,
  mJ: "suffix:mJ",
  MB: "suffix:MB",
  MHz: "suffix:MHz",
  "°C": units.Celsius,
  "%": units.Percent,
  dB: units.Decibel,
  pt: "suffix:pt",
  points: units.Short,
  "1": units.NoUnit,
  "epoch ms": units.DatetimeISO,
  text: units.String,
};

export const JOULE = units.Joule;
