import type { QuantizeReport } from "@edgewatt/quantizer";
import { columns, figure, megabytes } from "../columns.ts";
import { type Context, print } from "../context.ts";

function compared({ images, heldBack }: QuantizeReport["verification"]): string {
  const from = heldBack ? "held back from calibration" : "that calibration has seen too: nothing was held back";
  return `${images.toLocaleString("en-US")} images ${from}`;
}

/** What a local quantization did, for people. */
export function printReport(context: Context, report: QuantizeReport): void {
  const { bytes, nodes, sqnrDb, agreement, calibration, verification } = report;
  const { otherFormat } = verification;
  const rows = [
    [
      "Size",
      `${megabytes(bytes.float)} → ${megabytes(bytes.int8)} (${((bytes.int8 / bytes.float) * 100).toFixed(1)} %)`,
    ],
    ["Nodes", `${nodes.fused} of ${nodes.quantized} quantized ones run in int8`],
    ...(otherFormat === null
      ? []
      : [
          [
            `Nodes as ${otherFormat.format}`,
            otherFormat.problem ?? `${otherFormat.fused} of ${otherFormat.quantized} quantized ones would run in int8`,
          ],
        ]),
    ...nodes.float.map(({ name, op, reason }) => [`  ${name}`, `${op} stays in float: ${reason}`]),
    ["Calibration", `${calibration.images} images (${calibration.kind}), ${report.format}`],
    ["Signal to noise", `${figure(sqnrDb, 1, "dB")} on ${compared(verification)}`],
    ["Agreement", agreement === null ? "–" : figure(agreement * 100, 1, "%")],
    ["Took", `${figure(report.wallS, 1, "s")}, ${figure(report.peakMemoryMb, 0, "MB")} at most`],
    ...report.layers.map(({ name, op, sqnrDb: db }) => [`  ${name}`, `${op}, ${figure(db, 1, "dB")}`]),
  ];
  print(context, columns([report.out, ""], rows));
}
