import { DataError, findAttribute, Graph, throwIfCanceled, type ModelOnDisk, type ModelProto } from "@edgewatt/onnx";
import type { CalibrationMethod } from "../calibration/method.ts";
import { QuantizerError } from "../errors.ts";
import { defaultFormat, type QuantizationFormat } from "../int8/format.ts";
import { openUnchecked } from "../int8/fusion.ts";
import type { QuantizeOptions, ReportProgress } from "../options.ts";
import type { ParityMode } from "../recipe.ts";
import { calibrateAsReference, type ReferenceMethod } from "../parity/calibration/calibrate-as-reference.ts";
import { preprocessAsReference } from "../parity/preprocess.ts";
import { quantizeAsReference } from "../parity/quantize-as-reference.ts";
import { otherThan, type Draft, type DraftModel } from "./draft.ts";

const REFERENCE_METHODS: Readonly<Partial<Record<CalibrationMethod, ReferenceMethod>>> = {
  minmax: "minmax",
  "moving-average": "average",
  percentile: "percentile",
  entropy: "entropy",
};

/** DequantizeLinear has an axis since this operator set; the reference writes one all the same. */
const AXIS_OPSET = 13;

/** Quantizes as onnxruntime's Python `quantize_static` does; `options` have passed `checkOptions`. */
export async function draftAsReference(
  file: ModelOnDisk,
  options: QuantizeOptions,
  parity: ParityMode,
  progress: ReportProgress,
): Promise<Draft> {
  const { input, calibration: source, percentile, signal, method = "minmax" } = options;
  const referenceMethod = REFERENCE_METHODS[method];
  if (source === undefined || referenceMethod === undefined) {
    throw new DataError(`cannot calibrate ${input} as the reference does: it has no ${method}`, { code: "no-method" });
  }
  progress("prepare", 0, 1);
  const model = parity === "ort-preprocessed" ? await preprocessAsReference(input, input) : await file.read(signal);
  progress("prepare", 1, 1);
  const calibration = await calibrateAsReference(model, source, {
    method: referenceMethod,
    name: input,
    ...(percentile === undefined ? {} : { percentile }),
    ...(signal === undefined ? {} : { signal }),
    onImages: (done, total) => progress("calibrate", done, total),
  });
  throwIfCanceled(signal, `quantizing ${input}`);

  progress("quantize", 0, 1);
  const perChannel = options.perTensor !== true;
  // Unlike elsewhere, off unless asked for: the reference does not look at the processor.
  const reducedRange = options.reduceRange === true;
  const make = async (format: QuantizationFormat) => {
    const made = await quantizeAsReference(model, calibration.ranges, {
      format,
      perChannel,
      reducedRange,
      name: input,
    });
    checkAxes(made.model, input);
    const draft: DraftModel = {
      format,
      model: made.model,
      quantized: made.quantized.length,
      dequantized: made.dequantized,
      open: (path) => openUnchecked(path, made.quantized, format),
    };
    return { made, draft };
  };
  const format = options.format ?? defaultFormat();
  const { made, draft } = await make(format);
  return {
    float: new Graph(model),
    quantized: made.quantized,
    leftInFloat: made.float,
    int8: draft,
    otherFormat: async () => (await make(otherThan(format))).draft,
    perChannel,
    reducedRange,
    calibration: { kind: calibration.kind, name: calibration.name, images: calibration.images },
    method,
    techniques: [],
    search: null,
  };
}

/** ONNX Runtime would only say that the int8 model is not valid, and not whose fault that is. */
function checkAxes(int8: ModelProto, name: string): void {
  const { opset, nodes } = new Graph(int8);
  const hasAxis = nodes.some((node) => node.opType === "DequantizeLinear" && findAttribute(node, "axis") !== undefined);
  if (opset >= AXIS_OPSET || !hasAxis) return;
  throw new QuantizerError(
    `the reference makes no valid model of ${name} per channel, as it uses opset ${opset}: export it again with opset ${AXIS_OPSET}, or quantize per tensor`,
    { code: "opset-too-old", context: { path: name, opset } },
  );
}
