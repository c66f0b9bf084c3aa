import { counted, plural } from "@edgewatt/protocol";
import type { QuantizeReport } from "@edgewatt/quantizer";
import { columns, figure, megabytes } from "../columns.ts";
import { type Context, print } from "../context.ts";

/** What is shown of a report, the quantizer's own or one that came from a device. */
export interface ShownReport {
  readonly bytes: { readonly float: number; readonly int8: number };
  readonly nodes: {
    readonly quantized: number;
    readonly fused: number;
    readonly float: readonly { readonly name: string; readonly op: string; readonly reason: string }[];
  };
  readonly macs: number | null;
  readonly sqnrDb: number | null;
  readonly agreement: number | null;
  readonly layers: readonly {
    readonly name: string;
    readonly op: string;
    readonly sqnrDb: number | null;
    readonly macs: number | null;
  }[];
  readonly format: string;
  readonly method: string;
  readonly techniques: readonly string[];
  readonly parity: string | null;
  readonly calibration: { readonly kind: string; readonly images: number };
  readonly search: {
    readonly reached: boolean;
    readonly chosen: number;
    readonly tries: readonly {
      readonly configuration: {
        readonly method: string;
        readonly techniques: readonly string[];
        readonly floatNodes: readonly string[];
      };
      readonly score: { readonly sqnrDb: number | null };
      readonly accuracyDropPt: number | null;
      readonly wallS: number;
    }[];
    readonly evaluation: { readonly count: number; readonly heldBack: boolean; readonly labelled: boolean };
  } | null;
  readonly verification: { readonly images: number; readonly heldBack: boolean };
}

/** What a local quantization did, for people. */
export function printReport(context: Context, report: QuantizeReport): void {
  const { otherFormat } = report.verification;
  const other =
    otherFormat === null
      ? []
      : [
          [
            `Nodes as ${otherFormat.format}`,
            otherFormat.problem ?? `${otherFormat.fused} of ${otherFormat.quantized} quantized ones would run in int8`,
          ],
        ];
  const took = ["Took", `${figure(report.wallS, 1, "s")}, ${figure(report.peakMemoryMb, 0, "MB")} at most`];
  print(context, columns([report.out, ""], reportRows(report, { afterNodes: other, beforeLayers: [took] })));
}

/** The rows of a report, with others where they belong. */
export function reportRows(
  report: ShownReport,
  { afterNodes = [], beforeLayers }: { afterNodes?: string[][]; beforeLayers: string[][] },
): string[][] {
  const { nodes, sqnrDb, agreement, verification } = report;
  return [
    ["Size", sizes(report)],
    ["Nodes", `${nodes.fused} of ${nodes.quantized} quantized ones run in int8`],
    ...afterNodes,
    ...nodes.float.map(({ name, op, reason }) => [`  ${name}`, `${op} stays in float: ${reason}`]),
    ["Calibration", calibrated(report)],
    ...searchRows(report),
    ["Signal to noise", verification.images === 0 ? "–" : `${figure(sqnrDb, 1, "dB")} on ${compared(verification)}`],
    ["Agreement", agreement === null ? "–" : figure(agreement * 100, 1, "%")],
    ...beforeLayers,
    ...report.layers.map(({ name, op, sqnrDb: db, macs }) => [`  ${name}`, layer(op, db, macs)]),
  ];
}

function sizes({ bytes, macs }: ShownReport): string {
  const percent = ((bytes.int8 / bytes.float) * 100).toFixed(1);
  const work = macs === null ? "" : `, ${millions(macs)} multiply-accumulates per image (estimate)`;
  return `${megabytes(bytes.float)} → ${megabytes(bytes.int8)} (${percent} %)${work}`;
}

function calibrated({ calibration, format, method, techniques, parity }: ShownReport): string {
  return [
    `${counted(calibration.images, "image")} (${calibration.kind})`,
    format,
    method,
    ...techniques,
    ...(parity === null ? [] : [`parity ${parity}`]),
  ].join(", ");
}

function searchRows({ search }: ShownReport): string[][] {
  if (search === null) return [];
  const { evaluation, tries, chosen, reached } = search;
  const from = evaluation.heldBack
    ? "after the calibration images"
    : "of the calibration images: nothing was held back";
  return [
    [
      "Search",
      `${reached ? "target reached" : "target NOT reached, the best of all was written"}; ${counted(tries.length, "try", "tries")} on ${evaluation.count.toLocaleString("en-US")} ${plural(evaluation.count, "image")} ${from}${evaluation.labelled ? "" : ", without labels: disagreement counts as loss"}`,
    ],
    ...tries.map(({ configuration, score, accuracyDropPt, wallS }, index) => {
      const { method, techniques, floatNodes } = configuration;
      const float = floatNodes.length === 0 ? [] : [`${counted(floatNodes.length, "layer")} in float`];
      // Without labels it is no loss of accuracy that was measured.
      const unit = evaluation.labelled ? "pt lost" : "% of images differ";
      const lost = accuracyDropPt === null ? "" : `, ${accuracyDropPt.toFixed(2)} ${unit}`;
      return [
        `  ${index === chosen ? "→ " : ""}${[method, ...techniques, ...float].join(", ")}`,
        `${score.sqnrDb === null ? "no noise" : `${score.sqnrDb.toFixed(1)} dB`}${lost}, ${wallS.toFixed(1)} s`,
      ];
    }),
  ];
}

function compared({ images, heldBack }: ShownReport["verification"]): string {
  const from = heldBack ? "held back from calibration" : "that calibration has seen too: nothing was held back";
  return `${images.toLocaleString("en-US")} ${plural(images, "image")} ${from}`;
}

function layer(op: string, sqnrDb: number | null, macs: number | null): string {
  return `${op}, ${figure(sqnrDb, 1, "dB")}${macs === null ? "" : `, ${millions(macs)} MAC`}`;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(count < 1e7 ? 2 : 1)} M`;
}
