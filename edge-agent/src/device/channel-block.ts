import type { ChannelBlock } from "@edgewatt/protocol";

/**
 * How many channels ONNX Runtime's kernels take at once on a processor. On x64 it is the block of the NCHWc layout (MLAS, `platform.cpp`,
 * `NchwcBlockSize`): 16 floats with AVX-512, 8 otherwise. On arm64 it is 16: depthwise kernels for int8 want multiples of 8, the
 * hand-written ones of 16, and float has a blocked layout there in some builds only.
 *
 * @param arch as Node names it
 * @param cpuinfo `/proc/cpuinfo`, where it can be read
 */
export function channelBlock(arch: string, cpuinfo: string | undefined): ChannelBlock {
  if (arch === "arm64") return { channels: 16, kernels: "NEON" };
  return /^flags\s*:.*\bavx512f\b/m.test(cpuinfo ?? "")
    ? { channels: 16, kernels: "AVX-512" }
    : { channels: 8, kernels: "AVX2" };
}
