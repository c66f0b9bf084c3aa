import type { DataSource } from "@edgewatt/onnx";
import { ALLOCATIONS, type Allocation } from "./choose/allocate.ts";
import type { Criterion } from "./choose/choose.ts";
import { ALIGNMENTS, type Alignment } from "./choose/kept-count.ts";
import { PrunerError } from "./errors.ts";

/** `measure`: images, over all passes; `choose`: groups of channels; `repair`: layers; `check`: the file that was written. */
export type PruneStep = "prepare" | "measure" | "choose" | "repair" | "check";

/** `done` of `total` are what the step counts. */
export interface PruneProgress {
  readonly step: PruneStep;
  readonly done: number;
  readonly total: number;
}

export interface PruneOptions {
  /** The float model file. */
  readonly input: string;
  /** Where the pruned model goes; written aside and renamed there only after all checks. */
  readonly output: string;
  /** Share of the channels of each group that go, from 0 up to below 1. */
  readonly fraction: number;
  /** What channel counts are rounded to; 16 unless told. */
  readonly align?: Alignment;
  /** How channels are chosen; `error` unless told. */
  readonly by?: Criterion;
  /** Whether each group loses the same fraction, or more where less is lost by it, at no higher cost of the whole; `uniform` unless told. */
  readonly allocate?: Allocation;
  /** From `openCalibration`; its labels are not used. */
  readonly calibration: DataSource;
  readonly onProgress?: (progress: PruneProgress) => void;
  readonly signal?: AbortSignal;
}

/** Fewer say too little about how channels go together. */
const FEWEST_IMAGES = 32;

/** @throws PrunerError for a fraction, an alignment or an allocation that cannot be, or for too few calibration images */
export function checkOptions({ input, fraction, align, allocate, calibration }: PruneOptions): void {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new PrunerError(
      `cannot prune a fraction of ${fraction}: give the share of channels that go, from 0 up to below 1, as 0.3`,
      { code: "fraction", context: { fraction } },
    );
  }
  if (align !== undefined && !ALIGNMENTS.includes(align)) {
    throw new PrunerError(`cannot align channels to ${String(align)}: give ${ALIGNMENTS.join(", ")}`, {
      code: "alignment",
      context: { align },
    });
  }
  if (allocate !== undefined && !ALLOCATIONS.includes(allocate)) {
    throw new PrunerError(`cannot share fractions out by "${allocate as string}": give ${ALLOCATIONS.join(" or ")}`, {
      code: "allocation",
      context: { allocate },
    });
  }
  if (fraction > 0) checkImages(input, calibration);
}

/** @throws PrunerError for too few calibration images to repair a model from, whatever the fraction */
export function checkImages(input: string, calibration: Pick<DataSource, "name" | "count">): void {
  if (calibration.count >= FEWEST_IMAGES) return;
  throw new PrunerError(
    `${calibration.name} gives ${calibration.count} images, too few to repair ${input} from: give at least ${FEWEST_IMAGES}, better 1,000`,
    { code: "data-too-few", context: { source: calibration.name, images: calibration.count } },
  );
}
