import { dimsOf, elementCount, makeTensor, readFloats, type TensorProto } from "@edgewatt/onnx";
import {
  computeParams,
  quantizeValue,
  roundHalfEven,
  type IntegerRange,
  type QuantParams,
} from "../int8/arithmetic.ts";
import { QuantizerError } from "../errors.ts";
import type { QuantizationFormat } from "../int8/format.ts";

const UINT8: IntegerRange = { min: 0, max: 255 };
const INT8: IntegerRange = { min: -128, max: 127 };
const SYMMETRIC_INT8: IntegerRange = { min: -127, max: 127 };
const REDUCED_UINT8: IntegerRange = { min: 0, max: 127 };
const REDUCED_INT8: IntegerRange = { min: -64, max: 64 };
const INT32: IntegerRange = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** Of `_adjust_weight_scale_for_int32_bias`: its margin, and the number of steps that int32 has. */
const MARGIN = 1.0001;
const INT32_STEPS = 2 ** 32 - 2;

/** Quantization parameters of an initializer: a single one, or one per index along the axis. */
export interface InitializerParams {
  readonly type: "uint8" | "int8";
  readonly scales: Float32Array;
  readonly zeroPoints: readonly number[];
  readonly axis?: number;
}

/** `get_qmin_qmax_for_qType`. */
export function integerRange(type: "uint8" | "int8", reduced: boolean, symmetric: boolean): IntegerRange {
  if (type === "uint8") return reduced ? REDUCED_UINT8 : UINT8;
  if (reduced) return REDUCED_INT8;
  return symmetric ? SYMMETRIC_INT8 : INT8;
}

export function activationType(format: QuantizationFormat): "uint8" | "int8" {
  return format === "u8s8" ? "uint8" : "int8";
}

/** `compute_data_quant_params`, per tensor or for each index along the axis. */
export function initializerParams(
  tensor: TensorProto,
  type: "uint8" | "int8",
  { reduced, symmetric, axis }: { readonly reduced: boolean; readonly symmetric: boolean; readonly axis?: number },
): InitializerParams {
  const values = readFloats(tensor);
  const layout = channelsOf(dimsOf(tensor), axis);
  const low = new Float64Array(layout.channels).fill(Infinity);
  const high = new Float64Array(layout.channels).fill(-Infinity);
  eachRun(values, layout, (start, end, channel) => {
    let [min, max] = [low[channel] as number, high[channel] as number];
    for (let index = start; index < end; index++) {
      const value = values[index] as number;
      if (!Number.isFinite(value)) throw notFinite(tensor.name);
      if (value < min) min = value;
      if (value > max) max = value;
    }
    low[channel] = min;
    high[channel] = max;
  });
  const integers = integerRange(type, reduced, symmetric);
  const params = Array.from(low, (min, channel): QuantParams => {
    const max = high[channel] as number;
    return min > max ? { scale: 1, zeroPoint: 0 } : computeParams({ min, max }, integers, symmetric);
  });
  return {
    type,
    scales: Float32Array.from(params, ({ scale }) => scale),
    zeroPoints: params.map(({ zeroPoint }) => zeroPoint),
    ...(axis === undefined ? {} : { axis }),
  };
}

/** `quantize_onnx_initializer`. Values are clipped to the whole type, whatever range gave the scale. */
export function quantizeInitializer(tensor: TensorProto, params: InitializerParams, name: string): TensorProto {
  const values = readFloats(tensor);
  const type = params.type === "uint8" ? UINT8 : INT8;
  const data = params.type === "uint8" ? new Uint8Array(values.length) : new Int8Array(values.length);
  eachRun(values, channelsOf(dimsOf(tensor), params.axis), (start, end, channel) => {
    const each = { scale: params.scales[channel] as number, zeroPoint: params.zeroPoints[channel] as number };
    for (let index = start; index < end; index++) data[index] = quantizeValue(values[index] as number, each, type);
  });
  return makeTensor(name, dimsOf(tensor), data);
}

/**
 * `_adjust_weight_scale_for_int32_bias`: scales at which the bias fits into int32; undefined where it does with those that are there.
 * Per channel the smallest valid scale is multiplied out in float32, per tensor in float64, as numpy does with their types.
 */
export function scalesForBias(
  params: InitializerParams,
  inputScale: number,
  bias: TensorProto,
): Float32Array | undefined {
  const values = readFloats(bias);
  const isPerChannel = params.axis !== undefined;
  const [rows, ...others] = dimsOf(bias);
  // Per channel it reads one row of the bias for each: a row must have a single value, and one that it changes must be a value itself.
  if (isPerChannel && (rows === undefined || values.length !== rows || rows < params.scales.length))
    throw notOnePerChannel(bias.name);
  const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let adjusted: Float32Array | undefined;
  for (const [channel, scale] of params.scales.entries()) {
    const smallest = isPerChannel
      ? Math.fround(Math.fround(MARGIN) * Math.fround(2 * Math.abs(values[channel] as number))) / INT32_STEPS
      : (MARGIN * (2 * largest)) / INT32_STEPS;
    const candidate = inputScale * scale;
    if (candidate >= smallest || candidate <= 0) continue;
    if (isPerChannel && others.length > 0) throw notOnePerChannel(bias.name);
    adjusted ??= params.scales.slice();
    adjusted[channel] = scale * (smallest / candidate);
  }
  return adjusted;
}

function notOnePerChannel(bias: string): QuantizerError {
  return new QuantizerError(
    `the reference quantizer fails on bias "${bias}", which does not have one value for each channel of its weights: quantize per tensor`,
    { code: "reference-fails", context: { tensor: bias } },
  );
}

/**
 * `quantize_bias_static_impl`: scale input * weight * beta in float32, the division in float64. An input that took over the parameters of
 * a per-channel weight has a scale for each channel too.
 */
export function quantizeBias(
  bias: TensorProto,
  name: string,
  { input, weight, beta }: { readonly input: Float32Array; readonly weight: Float32Array; readonly beta: number },
): { readonly data: TensorProto; readonly scales: Float32Array } {
  const values = readFloats(bias);
  const scales = Float32Array.from({ length: Math.max(input.length, weight.length) }, (_, channel) => {
    const product = (input[channel % input.length] as number) * (weight[channel % weight.length] as number);
    return Math.fround(product) * Math.fround(beta);
  });
  const last = dimsOf(bias).at(-1) ?? 1;
  if (scales.length > 1 && (last !== scales.length || !fits(input, scales) || !fits(weight, scales))) {
    throw new QuantizerError(
      `the reference quantizer fails on bias "${bias.name}", whose ${last} values do not fit the ${input.length} scales of its input and ${weight.length} of its weights: quantize per tensor`,
      { code: "reference-fails", context: { tensor: bias.name } },
    );
  }
  const data = Int32Array.from(values, (value, index) => {
    const integer = roundHalfEven(value / (scales[index % scales.length] as number));
    return Math.min(INT32.max, Math.max(INT32.min, integer));
  });
  return { data: makeTensor(name, dimsOf(bias), data), scales };
}

function fits(part: Float32Array, whole: Float32Array): boolean {
  return part.length === 1 || part.length === whole.length;
}

/** How many indices the axis has, and how many values in a row belong to each; one of all values without an axis. */
interface Layout {
  readonly channels: number;
  readonly inner: number;
}

function channelsOf(dims: readonly number[], axis: number | undefined): Layout {
  if (axis === undefined) return { channels: 1, inner: Math.max(1, elementCount(dims)) };
  return { channels: dims[axis] ?? 1, inner: Math.max(1, elementCount(dims.slice(axis + 1))) };
}

function eachRun(
  values: Float32Array,
  { channels, inner }: Layout,
  visit: (start: number, end: number, channel: number) => void,
): void {
  for (let start = 0, channel = 0; start < values.length; start += inner, channel = (channel + 1) % channels)
    visit(start, start + inner, channel);
}

function notFinite(tensor: string): QuantizerError {
  return new QuantizerError(
    `tensor "${tensor}" holds NaN or infinity, which no integers stand for: export the model again`,
    {
      code: "weights-not-finite",
      context: { tensor },
    },
  );
}
