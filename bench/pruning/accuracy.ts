import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../processes.ts";
import { describePairs, percentRight, rightAnswers } from "../quantizer/accuracy.ts";
import { cifarFile, zooModels, type ZooModel } from "../quantizer/material.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { fractionOf, pruneProgram, suffixOf } from "./programs.ts";

const CALIBRATION_IMAGES = 1000;
const ALIGNMENTS = [1, 16] as const;
/** What the repair may lose against fine-tuning, as a share: what was promised for exact fractions, over what fine-tuning reached. */
const GOALS: Readonly<Record<string, number>> = { p05: 0.9976, p10: 0.9997, p20: 0.9932, p30: 0.9878, p40: 0.979 };

/** Accuracy on CIFAR-10's test images of pruned and repaired models, against those of the same fraction that were fine-tuned with labels. */
export const accuracy: Suite = { run: measure };

async function* measure({ signal, say, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const images = cifarFile("data_batch_1.bin");
  const test = cifarFile("test_batch.bin");
  if (images === undefined || test === undefined) {
    yield unmeasured("pruning/accuracy", "%", "needs the labelled images of CIFAR-10: edgewatt datasets fetch cifar10");
    return;
  }
  const [base, ...tuned] = await zooModels();
  if (base === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-pruning-"));
  try {
    for (const peer of tuned) {
      for (const align of ALIGNMENTS.filter((multiple) => wanted(nameOf(peer, multiple)))) {
        const out = join(folder, "pruned.onnx");
        const fraction = fractionOf(peer);
        const calibration = { calibration: images, images: CALIBRATION_IMAGES };
        const run = { model: base, fraction, align, by: "error", ...calibration, out } as const;
        const { wallS, peakMemoryMb, stdout } = await runProgram(pruneProgram(run), signal);
        const own = await rightAnswers(out, base, test, signal);
        const theirs = await rightAnswers(peer.path, peer, test, signal);
        const { params } = JSON.parse(stdout) as { params: { after: number } };
        const result = compare(
          {
            name: nameOf(peer, align),
            value: percentRight(own),
            unit: "%",
            peer: `${peer.name}, fine-tuned with labels`,
            peerValue: percentRight(theirs),
            note: `${params.after} parameters, ${wallS.toFixed(1)} s, ${peakMemoryMb.toFixed(0)} MB; ${describePairs(own, theirs)}`,
          },
          { comparison: ">=", ratio: GOALS[suffixOf(peer)] ?? 1 },
        );
        say(`${result.name}: ${result.value?.toFixed(2) ?? ""} %, ${result.note ?? ""}`);
        yield result;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf(peer: ZooModel, align: number): string {
  return `pruning/accuracy/align-${align}/${peer.name}`;
}
