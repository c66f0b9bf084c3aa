import { join } from "node:path";
import { defaultFormat, needsReducedRange } from "@edgewatt/quantizer";
import { BENCH, ROOT } from "../paths.ts";
import type { Program } from "../processes.ts";
import type { CalibrationImages, ZooModel } from "./material.ts";

export type Method = "minmax" | "percentile" | "entropy";

/** One quantization, the same for both sides: per channel, in this machine's format. */
export interface Quantization {
  readonly model: ZooModel;
  readonly method: Method;
  readonly data: CalibrationImages;
  readonly images: number;
  readonly out: string;
}

/** `edgewatt quantize --local`, as a user runs it. */
export function ourProgram({ model, method, data, images, out }: Quantization): Program {
  return {
    name: `edgewatt quantize --method ${method}`,
    interpreter: "node",
    args: [
      join(ROOT, "controller/bin/edgewatt.js"),
      "quantize",
      "--local",
      model.path,
      out,
      "--json",
      ...flags({
        calibration: data.path,
        images: String(images),
        mean: model.mean.join(","),
        std: model.std.join(","),
        method,
      }),
    ],
  };
}

/** The reference: pre-processing and `quantize_static` with one image per batch, as its documentation shows it. */
export function referenceProgram({ model, method, data, images, out }: Quantization, python: string): Program {
  const format = defaultFormat();
  const { mean, std, input } = model;
  const settings = {
    model: model.path,
    out,
    data: data.path,
    kind: data.kind,
    images,
    input,
    mean,
    std,
    method,
    activations: format === "u8s8" ? "QUInt8" : "QInt8",
    reduceRange: needsReducedRange(format),
  };
  return {
    name: `quantize_static with ${method}`,
    interpreter: { python },
    args: [join(BENCH, "quantizer/reference.py"), JSON.stringify(settings)],
  };
}

function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}
