import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { blockMedians, RUNS_PER_BLOCK } from "../block-latencies.ts";
import { describeSpread, runProgram, spreadOf } from "../processes.ts";
import { calibrationImages, zooModels, type CalibrationImages, type ZooModel } from "../quantizer/material.ts";
import { ourProgram } from "../quantizer/programs.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { fractionOf, pruneProgram, suffixOf } from "./programs.ts";

/** Latency depends on how many channels stay, not on which, so that they are chosen in the quickest way. */
const PRUNING_IMAGES = 32;
const QUANTIZER_IMAGES = 128;
const BLOCKS = 80;
const ALIGN = 16;
const PRECISIONS = ["fp32", "int8"] as const;
/** What a pruned model may take against the one that it was cut from: channels in whole blocks never fall off the fast kernels. */
const GOAL = 1.05;

/**
 * Latency of p00 pruned by each fraction in multiples of 16, against p00's: one image, one thread, blocks of all six in turn. What
 * counts are the calmest blocks of both, as a machine that others use makes the rest of them longer, and the longer runs more than the short ones.
 */
export const latency: Suite = { run: measure };

async function* measure({ signal, say, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const [base, ...all] = await zooModels();
  if (base === undefined) return;
  const others = all.filter((other) => PRECISIONS.some((precision) => wanted(nameOf(precision, suffixOf(other)))));
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-pruning-"));
  try {
    const data = await calibrationImages(base, QUANTIZER_IMAGES, folder);
    const models: ZooModel[] = [base];
    for (const other of others) {
      const pruned = { ...base, name: suffixOf(other), path: join(folder, `${suffixOf(other)}.onnx`) };
      say(`pruning/latency: pruning by ${fractionOf(other)}`);
      await runProgram(
        pruneProgram({
          model: base,
          fraction: fractionOf(other),
          align: ALIGN,
          by: "l1",
          calibration: data.path,
          images: PRUNING_IMAGES,
          out: pruned.path,
        }),
        signal,
      );
      models.push(pruned);
    }
    for (const precision of PRECISIONS) {
      if (!others.some((other) => wanted(nameOf(precision, suffixOf(other))))) continue;
      const paths =
        precision === "fp32" ? models.map(({ path }) => path) : await quantized(models, data, folder, signal);
      const [own = [], ...rest] = await blockMedians(paths, BLOCKS, signal);
      for (const [index, blocks] of rest.entries()) {
        const result = resultOf(nameOf(precision, models[index + 1]?.name ?? ""), blocks, own);
        say(`${result.name}: ${result.note ?? ""}`);
        yield result;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function quantized(
  models: readonly ZooModel[],
  data: CalibrationImages,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const paths: string[] = [];
  for (const [index, model] of models.entries()) {
    const out = join(folder, `int8-${index}.onnx`);
    await runProgram(ourProgram({ model, method: "minmax", data, images: QUANTIZER_IMAGES, out }), signal);
    paths.push(out);
  }
  return paths;
}

function resultOf(name: string, blocks: readonly number[], base: readonly number[]): BenchResult {
  const ratios = spreadOf(blocks.map((ms, block) => ms / (base[block] ?? Number.NaN)));
  const [ownMs, baseMs] = [spreadOf(blocks), spreadOf(base)];
  const [load = Number.NaN] = loadavg();
  return compare(
    {
      name,
      value: ownMs.min / baseMs.min,
      unit: "× p00",
      peer: "p00, blocks in turn",
      peerValue: 1,
      note:
        `p50 of the calmest block ${ownMs.min.toFixed(3)} ms against ${baseMs.min.toFixed(3)} ms, of all ${ownMs.median.toFixed(3)} against ${baseMs.median.toFixed(3)}; ` +
        `ratio of blocks ${describeSpread(ratios, 2)} (least, median, largest of ${BLOCKS} of ${RUNS_PER_BLOCK} runs); load of the machine ${load.toFixed(1)}`,
    },
    { comparison: "<=", ratio: GOAL },
  );
}

function nameOf(precision: (typeof PRECISIONS)[number], model: string): string {
  return `pruning/latency/${precision}/${model}`;
}
