import { expect, it } from "vitest";
import { channelBlock } from "../../src/device/channel-block.ts";

it.each([
  ["x64", "flags\t\t: fpu sse2 avx2 avx512f avx512dq\n", { channels: 16, kernels: "AVX-512" }],
  ["x64", "flags\t\t: fpu sse2 avx avx2 fma\n", { channels: 8, kernels: "AVX2" }],
  // A word that only begins like the flag is another one.
  ["x64", "flags\t\t: fpu avx2 avx512fp16x\n", { channels: 8, kernels: "AVX2" }],
  ["x64", undefined, { channels: 8, kernels: "AVX2" }],
  ["arm64", "Features\t: fp asimd asimddp\n", { channels: 16, kernels: "NEON" }],
])("kernels of %s with %j", (arch, cpuinfo, block) => {
  expect(channelBlock(arch, cpuinfo)).toEqual(block);
});
