import { readFileSync } from "node:fs";
import { arch as thisArch } from "node:process";

/** Types of activations and weights: uint8 with int8 for x64, int8 with int8 for arm64, whose fast kernels need it. */
export const QUANTIZATION_FORMATS = ["u8s8", "s8s8"] as const;
export type QuantizationFormat = (typeof QUANTIZATION_FORMATS)[number];

/** The format that ONNX Runtime runs fastest on a processor architecture, as Node names it. */
export function defaultFormat(arch: string = thisArch): QuantizationFormat {
  return arch === "arm64" ? "s8s8" : "u8s8";
}

/**
 * Whether weights should keep to 7 bits on this machine: x64 processors without VNNI add pairs of uint8 x int8 products in int16
 * (VPMADDUBSW), which 2 x 255 x 127 overflows.
 */
export function needsReducedRange(format: QuantizationFormat, arch: string = thisArch): boolean {
  return format === "u8s8" && arch === "x64" && !hasVnni();
}

function hasVnni(): boolean {
  try {
    return /\b(avx512_vnni|avx_vnni)\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    // Not Linux, so the processor cannot be asked: 7 bits are never wrong, only a little less precise.
    return false;
  }
}
