import { performance } from "node:perf_hooks";
import { checkOutput, findModel, peakMemoryBytes } from "@edgewatt/onnx";
import type { Draft } from "./draft/draft.ts";
import { draftInt8 } from "./draft/own-draft.ts";
import { readQuantizable } from "./draft/read-quantizable.ts";
import { checkOptions, type QuantizeOptions, type ReportProgress } from "./options.ts";
import { writeChecked } from "./output/write-checked.ts";
import type { QuantizeReport } from "./report.ts";

/**
 * Quantizes a float ONNX model to int8 (QDQ form), and checks in ONNX Runtime that it really runs in int8.
 * @throws ModelError for a model that cannot be read or loaded, DataError for calibration data that does not fit,
 *   QuantizerError where options exclude each other, nothing can be quantized, or a Conv, Gemm or MatMul would not fuse (code `not-fused`),
 *   CanceledError on abort. Nothing is written then.
 */
export async function quantize(options: QuantizeOptions): Promise<QuantizeReport> {
  const startedMs = performance.now();
  const { input, output, parity } = options;
  const progress: ReportProgress = (step, done, total) => options.onProgress?.({ step, done, total });
  checkOptions(options);
  const file = await findModel(input);
  await checkOutput(file.files, output, "int8 model");
  const floatBytes = file.files.reduce((sum, { bytes }) => sum + bytes, 0);

  const finish = async (draft: Draft): Promise<QuantizeReport> => {
    const { int8Bytes, ...checked } = await writeChecked(draft, options, progress);
    return {
      in: input,
      out: output,
      ...checked,
      bytes: { float: floatBytes, int8: int8Bytes },
      parity: parity ?? null,
      wallS: (performance.now() - startedMs) / 1000,
      peakMemoryMb: peakMemoryBytes() / 1e6,
    };
  };
  if (parity !== undefined) {
    const { draftAsReference } = await import("./draft/reference-draft.ts");
    return finish(await draftAsReference(file, options, parity, progress));
  }
  progress("prepare", 0, 1);
  await using model = await readQuantizable(options, file);
  progress("prepare", 1, 1);
  return await finish(await draftInt8(model, options, progress));
}
