import type { QuantizationFormat } from "./format.ts";

/** Smallest and largest value seen in a tensor. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** real = scale * (integer - zeroPoint); `scale` is a float32 value. */
export interface QuantParams {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The integers that a quantized tensor may hold. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

const UINT8: IntegerRange = { min: 0, max: 255 };
const INT8: IntegerRange = { min: -128, max: 127 };
const SYMMETRIC_INT8: IntegerRange = { min: -127, max: 127 };
/** 7 bits, for processors whose int8 dot product saturates. */
const REDUCED_INT8: IntegerRange = { min: -64, max: 64 };

/** `numpy.finfo(numpy.float32).tiny`, exactly. */
const SMALLEST_NORMAL_FLOAT32 = 2 ** -126;
/** Adding and subtracting it rounds a small float64 to an integer, halves to even, as its last binary digit counts as 1. */
const ROUNDER = 1.5 * 2 ** 52;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);
/** Margin of ONNX Runtime's `_adjust_weight_scale_for_int32_bias`. */
const BIAS_MARGIN = 1.0001;

export function activationRange(format: QuantizationFormat): IntegerRange {
  return format === "u8s8" ? UINT8 : INT8;
}

export function weightRange(reduced: boolean): IntegerRange {
  return reduced ? REDUCED_INT8 : SYMMETRIC_INT8;
}

/** Rounds to the nearest integer, halves to the even one, as numpy and ONNX do. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction < 0.5) return floor;
  if (fraction > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Scale and zero point of a range, by `compute_scale_zp` of onnxruntime 1.30's quantizer: the difference is taken in float32, the
 * division and the zero point in float64, and the scale is rounded to float32 last. The range is widened to hold 0.
 */
export function computeParams(range: Range, integers: IntegerRange, symmetric: boolean): QuantParams {
  let min = Math.fround(Math.min(range.min, 0));
  let max = Math.fround(Math.max(range.max, 0));
  if (symmetric) {
    max = Math.max(-min, max);
    min = -max;
  }
  const scale = Math.fround(max - min) / (integers.max - integers.min);
  if (scale < SMALLEST_NORMAL_FLOAT32) return { scale: 1, zeroPoint: 0 };
  const zeroPoint = roundHalfEven(symmetric ? (integers.min + integers.max) / 2 : integers.min - min / scale);
  return { scale: Math.fround(scale), zeroPoint };
}

/** Whether a scale can be stored without losing digits (or itself) to underflow or overflow. */
export function isNormalFloat32(scale: number): boolean {
  return scale >= SMALLEST_NORMAL_FLOAT32 && Number.isFinite(Math.fround(scale));
}

/** Quantizes one float32 value: float32 division, half to even, clipped to what the type holds. */
export function quantizeValue(value: number, params: QuantParams, type: IntegerRange): number {
  const integer = roundHalfEven(Math.fround(value / params.scale)) + params.zeroPoint;
  return Math.min(type.max, Math.max(type.min, integer));
}

/** Quantizes constants of elementwise operators with the activations' type, per tensor: uint8 unless the type holds negative integers. */
export function quantizeActivations(
  values: Float32Array,
  type: IntegerRange,
): { data: Int8Array | Uint8Array; params: QuantParams } {
  const params = computeParams(rangeOf(values), type, false);
  const data = type.min < 0 ? new Int8Array(values.length) : new Uint8Array(values.length);
  quantizeRun(values, 0, values.length, params, type, data);
  return { data, params };
}

/** The axis along which each index has a scale of its own, in a tensor of these sides. */
export interface WeightLayout {
  readonly axis: number;
  readonly dims: readonly number[];
}

/**
 * For each channel along the axis the symmetric scale; a single one when `axis` is undefined. An all-zero channel gets scale 1, one
 * with NaN or infinity a scale that is not finite.
 */
export function weightScales(
  values: Float32Array,
  layout: WeightLayout | undefined,
  integers: IntegerRange,
): Float32Array {
  const { channels, inner } = runsOf(values, layout);
  const largest = new Float32Array(channels);
  for (let start = 0, channel = 0; start < values.length; start += inner, channel = (channel + 1) % channels) {
    let max = largest[channel] as number;
    for (let index = start; index < start + inner; index++) {
      const size = Math.abs(values[index] as number);
      // NaN stays, as nothing is larger.
      if (size > max || Number.isNaN(size)) max = size;
    }
    largest[channel] = max;
  }
  return largest.map((max) => (Number.isFinite(max) ? computeParams({ min: -max, max }, integers, true).scale : max));
}

export function quantizeWeights(
  values: Float32Array,
  layout: WeightLayout | undefined,
  scales: Float32Array,
): Int8Array {
  const { channels, inner } = runsOf(values, layout);
  const quantized = new Int8Array(values.length);
  for (let start = 0, channel = 0; start < values.length; start += inner, channel = (channel + 1) % channels) {
    quantizeRun(values, start, start + inner, { scale: scales[channel] as number, zeroPoint: 0 }, INT8, quantized);
  }
  return quantized;
}

/**
 * Widens weight scales where the bias would not fit into int32 at scale inputScale * weightScale, by the rule of onnxruntime 1.30
 * (without it, a channel with tiny weights and a normal bias loses its bias), and where that product is no normal float32.
 * @returns new scales, or the same array when all biases fit
 */
export function guardBias(scales: Float32Array, inputScale: number, bias: Float32Array): Float32Array {
  let guarded = scales;
  for (let channel = 0; channel < scales.length; channel++) {
    const largest = scales.length === 1 ? maxAbs(bias) : Math.abs(bias[channel] as number);
    const needed = Math.max((BIAS_MARGIN * 2 * largest) / (2 ** 32 - 2), SMALLEST_NORMAL_FLOAT32);
    const candidate = inputScale * (scales[channel] as number);
    if (candidate >= needed) continue;
    if (guarded === scales) guarded = scales.slice();
    guarded[channel] = (scales[channel] as number) * (needed / candidate);
  }
  return guarded;
}

/** int32 bias at scale float32(inputScale * weightScale), zero point 0; the division is in float64. */
export function quantizeBias(
  bias: Float32Array,
  inputScale: number,
  weightScale: Float32Array,
): { data: Int32Array; scales: Float32Array } {
  const scales = weightScale.map((scale) => Math.fround(inputScale * scale));
  const data = Int32Array.from(bias, (value, channel) => {
    const integer = roundHalfEven(value / (scales[scales.length === 1 ? 0 : channel] as number));
    return Math.min(INT32_MAX, Math.max(INT32_MIN, integer));
  });
  return { data, scales };
}

/** Whether quantizing with these parameters already clips to [low, high], so that a Relu or Clip before it is redundant. */
export function saturatesAt(params: QuantParams, type: IntegerRange, low: number, high: number): boolean {
  return (
    roundHalfEven(low / params.scale) + params.zeroPoint <= type.min &&
    roundHalfEven(high / params.scale) + params.zeroPoint >= type.max
  );
}

function rangeOf(values: Float32Array): Range {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

function maxAbs(values: Float32Array): number {
  const { min, max } = rangeOf(values);
  return Math.max(Math.abs(min), Math.abs(max));
}

/** A tensor is [outer][channel][inner]: runs of `inner` values of one channel follow each other, the channels in turn. */
function runsOf(values: Float32Array, layout: WeightLayout | undefined): { channels: number; inner: number } {
  if (layout === undefined) return { channels: 1, inner: Math.max(1, values.length) };
  const inner = layout.dims.slice(layout.axis + 1).reduce((product, dim) => product * dim, 1);
  return { channels: layout.dims[layout.axis] as number, inner: Math.max(1, inner) };
}

/** `quantizeValue` for values[start..end), without a call for each. */
function quantizeRun(
  values: Float32Array,
  start: number,
  end: number,
  { scale, zeroPoint }: QuantParams,
  type: IntegerRange,
  quantized: Int8Array | Uint8Array,
): void {
  const [low, high] = [type.min - zeroPoint, type.max - zeroPoint];
  for (let index = start; index < end; index++) {
    const ratio = Math.fround((values[index] as number) / scale);
    const clipped = ratio < low ? low : ratio > high ? high : ratio;
    quantized[index] = clipped + ROUNDER - ROUNDER + zeroPoint;
  }
}
