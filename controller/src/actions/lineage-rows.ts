import { counted, type LineageStep } from "@edgewatt/protocol";
import { figure } from "../columns.ts";
import { howChannelsGo } from "./prune-report.ts";

const SHOWN_DIGITS = 12;

/** How a model came about, for people: rows for each step, the first step first. */
export function lineageRows(lineage: readonly LineageStep[]): string[][] {
  return lineage.flatMap((step) => [
    ["Made from", `${step.from.name} (${step.from.sha256.slice(0, SHOWN_DIGITS)})`],
    [step.op === "prune" ? "  pruned" : "  quantized", how(step)],
    ["  calibration", calibrated(step)],
    ["  by", `${maker(step)} ${step.version}, ${step.created}, ${step.device ?? "on the machine of the command"}`],
  ]);
}

function how(step: LineageStep): string {
  return step.op === "prune"
    ? `${figure(100 * step.fraction, 0, "%")} of the channels, ${howChannelsGo(step)}`
    : [step.format, step.method, ...step.techniques].join(", ");
}

function calibrated({ calibration: { kind, images, sha256 } }: LineageStep): string {
  return `${counted(images, "image")} (${kind}${sha256 === null ? "" : ` ${sha256.slice(0, SHOWN_DIGITS)}`})`;
}

function maker({ op }: LineageStep): string {
  return op === "prune" ? "pruner" : "quantizer";
}
