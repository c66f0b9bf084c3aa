import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../processes.ts";
import { calibrationImages, zooModels } from "../quantizer/material.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { fractionOf, pruneProgram, suffixOf } from "./programs.ts";

const CALIBRATION_IMAGES = 1000;
const ALIGN = 16;
const LONGEST_S = 60;
const MOST_MB = 500;

/** Wall time and peak memory of `edgewatt prune --local` for each fraction, whole processes, on two cores. */
export const cost: Suite = { run: measure };

async function* measure({ signal, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const [model, ...others] = await zooModels();
  if (model === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-pruning-"));
  try {
    const data = await calibrationImages(model, CALIBRATION_IMAGES, folder);
    for (const other of others) {
      const [seconds, memory] = ["seconds", "memory"].map((what) => `pruning/cost/${what}/${suffixOf(other)}`) as [
        string,
        string,
      ];
      if (!wanted(seconds) && !wanted(memory)) continue;
      const { wallS, cpuS, peakMemoryMb } = await runProgram(
        pruneProgram({
          model,
          fraction: fractionOf(other),
          align: ALIGN,
          by: "error",
          calibration: data.path,
          images: CALIBRATION_IMAGES,
          out: join(folder, "pruned.onnx"),
        }),
        signal,
      );
      const [load = Number.NaN] = loadavg();
      const note = `${model.name} by ${fractionOf(other)}, multiples of ${ALIGN}, ${data.label}`;
      const limit = { peer: "limit", comparison: "<=" } as const;
      yield compare(
        {
          name: seconds,
          value: wallS,
          unit: "s",
          peer: limit.peer,
          peerValue: LONGEST_S,
          note: `${note}; ${cpuS.toFixed(1)} s of processor time; load of the machine ${load.toFixed(1)}`,
        },
        { comparison: limit.comparison, ratio: 1 },
      );
      yield compare(
        { name: memory, value: peakMemoryMb, unit: "MB", peer: limit.peer, peerValue: MOST_MB, note },
        { comparison: limit.comparison, ratio: 1 },
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
