import { counted } from "@edgewatt/protocol";
import type { Allocation } from "@edgewatt/pruner";
import { figure, megabytes } from "../columns.ts";

/** What is shown of a report, the pruner's own or one that came from a device. */
export interface ShownPruning {
  readonly fraction: number;
  readonly align: number;
  readonly by: string;
  readonly allocate: Allocation;
  readonly params: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly channels: readonly { readonly name: string; readonly before: number; readonly after: number }[];
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  readonly calibration: { readonly kind: string; readonly images: number };
  readonly wallS: number;
  readonly peakMemoryMb: number;
}

const SHARED_OUT: Readonly<Record<Allocation, string>> = { uniform: "evenly", error: "by error" };

/** The rows of a report, for people. */
export function pruningRows(report: ShownPruning): string[][] {
  const { params, bytes, calibration, channels, left } = report;
  const reasons = new Map<string, string[]>();
  for (const { name, reason } of left) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  return [
    ["Parameters", `${thousands(params.before)} to ${thousands(params.after)}, ${percent(params)} fewer`],
    ["Size", `${megabytes(bytes.before)} to ${megabytes(bytes.after)}`],
    ["Channels", `${figure(100 * report.fraction, 0, "%")} fewer, ${howChannelsGo(report)}`],
    ["Repaired from", `${counted(calibration.images, "image")} (${calibration.kind})`],
    ["Took", `${figure(report.wallS, 1, "s")}, ${figure(report.peakMemoryMb, 0, "MB")} at most`],
    ...channels.map(({ name, before, after }) => [name, before === after ? `${before}` : `${before} to ${after}`]),
    ...[...reasons].flatMap(([reason, names]) => names.map((name) => [name, `left: ${reason}`])),
  ];
}

/** By which rules channels were taken out. */
export function howChannelsGo({ align, by, allocate }: Pick<ShownPruning, "align" | "by" | "allocate">): string {
  return `in multiples of ${align}, chosen by ${by}, shared out ${SHARED_OUT[allocate]}`;
}

function percent({ before, after }: ShownPruning["params"]): string {
  return figure(before === 0 ? 0 : 100 * (1 - after / before), 1, "%");
}

function thousands(value: number): string {
  return value.toLocaleString("en-US");
}
