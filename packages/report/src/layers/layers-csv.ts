import type { Layers } from "@edgewatt/protocol";
import { stringify } from "csv-stringify/sync";

type Layer = Layers["layers"][number];
type Value = string | number | null;

const COLUMNS: readonly (readonly [header: string, read: (layer: Layer, layers: Layers) => Value])[] = [
  ["device", (_layer, { device }) => device],
  ["model", (_layer, { model }) => model],
  ["index", ({ index }) => index],
  ["layer", ({ name }) => name],
  ["operator", ({ op }) => op],
  ["params", ({ params }) => params],
  ["weights (%)", ({ weightsPct }) => weightsPct],
  ["multiply-accumulates", ({ macs }) => macs],
  ["multiply-accumulates (%)", ({ macsPct }) => macsPct],
  ["time int8 (%)", ({ timePct }) => timePct],
  ["time fp32 (%)", ({ floatTimePct }) => floatTimePct],
  ["power source", (_layer, { energy }) => energy.source],
  ["energy int8, apportioned by time (mJ)", ({ energyMj }) => energyMj],
  ["energy fp32, apportioned by time (mJ)", ({ floatEnergyMj }) => floatEnergyMj],
  ["signal-to-noise alone (dB)", ({ sqnrDb }) => sqnrDb],
  ["same class alone (1)", ({ agreement }) => agreement],
  ["accuracy lost alone (pt)", ({ accuracyDropPt }) => accuracyDropPt],
  ["in float because", ({ reason }) => reason],
];

/** All figures at full precision, RFC 4180 with a header line that names units; empty where a figure was not measured. */
export function layersCsv(layers: Layers): string {
  const records = layers.layers.map((layer) => COLUMNS.map(([, read]) => read(layer, layers)));
  return stringify([COLUMNS.map(([header]) => header), ...records], { record_delimiter: "\r\n" });
}
