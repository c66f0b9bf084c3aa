import { counted, type ObserverEffect, type ResultDevice, type ResultRow } from "@edgewatt/protocol";
import { formatWithHalfWidth } from "./number-format.ts";
import { describePower } from "./power-caption.ts";

type ObservedLatency = NonNullable<ObserverEffect["latency"]>;

/** What is needed to repeat a measurement on a device, a line each; what was not measured is not there. */
export function deviceContext(device: ResultDevice, rows: readonly ResultRow[]): string[] {
  const { power, affinity } = device;
  return [
    `board: ${device.board}`,
    `processor: ${device.cpu}, ${counted(device.cores, "core")}, governor ${device.governor ?? "unknown"}`,
    ...(affinity === undefined ? [] : [`bound to processors: ${affinity}`]),
    `software: ${device.os}, Node ${device.node}, ONNX Runtime ${device.onnxruntime}`,
    `power: ${describePower(device)}`,
    ...(power === null || Object.keys(power.settings).length === 0
      ? []
      : [`meter settings: ${settings(power.settings)}`]),
    ...samplingLine(rows),
    ...observerLines(device),
    ...lagLine(device),
    ...temperatureLine(device, rows),
  ];
}

/** How the meter kept its schedule in the windows, at worst. */
function samplingLine(rows: readonly ResultRow[]): string[] {
  const known = rows.flatMap(({ sampling }) => sampling ?? []);
  if (known.length === 0) return [];
  const rateHz = Math.min(...known.map((one) => one.rateHz));
  const jitterMs = Math.max(...known.map((one) => one.jitterP99Ms));
  const missing = known.reduce((sum, one) => sum + one.missing, 0);
  return [
    `readings in the windows: at least ${brief(rateHz)} a second, 99 % of them within ${brief(jitterMs)} ms of the usual interval, ${missing} missing`,
  ];
}

function observerLines({ observer, observerNote }: ResultDevice): string[] {
  if (observer === null || observer === undefined) {
    return observerNote === undefined ? [] : [`what reading the meter takes: not known, ${observerNote}`];
  }
  const { deltaW, halfWidth95W, fastHz, slowHz, fastW, slowW, latency, note } = observer;
  const rates = `at ${brief(fastHz)} against ${brief(slowHz)} readings a second`;
  return [
    `reading the meter: ${formatWithHalfWidth(1000 * deltaW, 1000 * halfWidth95W)} mW ${rates} ` +
      `(idle ${brief(fastW)} and ${brief(slowW)} W)${note === undefined ? "" : `; ${note}`}`,
    ...(latency === undefined ? [] : [latencyLine(latency, rates)]),
  ];
}

function latencyLine(
  { model, precision, threads, fastMs, slowMs, deltaMs, halfWidth95Ms }: ObservedLatency,
  rates: string,
): string {
  return (
    `latency while the meter is read: ${formatWithHalfWidth(1000 * deltaMs, 1000 * halfWidth95Ms)} µs ${rates} ` +
    `(${model} ${precision}, ${counted(threads, "thread")}; ${fastMs.toPrecision(4)} and ${slowMs.toPrecision(4)} ms)`
  );
}

function lagLine({ lag, lagNote }: ResultDevice): string[] {
  if (lag === null || lag === undefined) {
    return lagNote === undefined ? [] : [`lag of power behind load: not known, ${lagNote}`];
  }
  return [
    `lag of power behind load: ${formatWithHalfWidth(lag.ms, lag.halfWidth95Ms)} ms over ${counted(lag.steps, "step")}`,
  ];
}

function temperatureLine(device: ResultDevice, rows: readonly ResultRow[]): string[] {
  const { start = null, end = null } = device.temperatureC ?? {};
  const inRows = rows.flatMap(({ temperatureC }) => [temperatureC?.start ?? null, temperatureC?.end ?? null]);
  const known = inRows.filter((value) => value !== null);
  if (start === null && end === null && known.length === 0) return [];
  const run = start === null || end === null ? "" : `${start} °C before and ${end} °C after`;
  const windows = known.length === 0 ? "" : `${Math.min(...known)} to ${Math.max(...known)} °C around the windows`;
  return [`temperature of the processor: ${[run, windows].filter((part) => part !== "").join(", ")}`];
}

function settings(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** Three digits, without zeros that say nothing. */
function brief(value: number): string {
  return String(Number(value.toPrecision(3)));
}
