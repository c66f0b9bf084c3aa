import { JOB_ID } from "./names.ts";
import { MESSAGE_VERSION } from "./message-version.ts";
import type { TelemetryBatch } from "./telemetry.ts";

const MAX_CHANNEL_KEY = 200;

/**
 * Whether a value is a batch by `telemetryBatchSchema`, found in a tenth of the time that the schema takes: telemetry is the
 * bulk of all traffic. A value that it refuses is judged by the schema, which says why, and which alone has the last word.
 */
export function isTelemetryBatch(value: unknown): value is TelemetryBatch {
  return (
    isRecord(value) &&
    value["v"] === MESSAGE_VERSION &&
    isCount(value["boot"]) &&
    isCount(value["seq"]) &&
    typeof value["sync"] === "boolean" &&
    isOptionalJob(value["job"]) &&
    isRecord(value["ch"]) &&
    Object.entries(value["ch"]).every(
      ([key, channel]) => key.length > 0 && key.length <= MAX_CHANNEL_KEY && isChannel(key, channel),
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOptionalJob(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && JOB_ID.test(value));
}

function isChannel(channelKey: string, channel: unknown): boolean {
  // The schema drops such a key, which nobody sends in good faith.
  if (channelKey === "__proto__" || !isRecord(channel) || !isCount(channel["t0"])) return false;
  const { dt } = channel;
  if (!isOffsets(dt)) return false;
  for (const key of Object.keys(channel)) {
    if (key === "t0" || key === "dt") continue;
    if (key === "__proto__" || !isColumn(channel[key], dt.length)) return false;
  }
  return true;
}

function isOffsets(dt: unknown): dt is readonly number[] {
  if (!Array.isArray(dt) || dt.length === 0) return false;
  let last = -1;
  for (const offset of dt) {
    if (!Number.isSafeInteger(offset) || offset <= last) return false;
    last = offset as number;
  }
  return true;
}

function isColumn(column: unknown, rows: number): boolean {
  if (!Array.isArray(column)) return isConstant(column);
  if (column.length !== rows) return false;
  for (const cell of column) if (cell !== null && !isConstant(cell)) return false;
  return true;
}

function isConstant(cell: unknown): boolean {
  // Number.isFinite first: nearly all cells are numbers.
  return Number.isFinite(cell) || typeof cell === "string" || typeof cell === "boolean";
}
