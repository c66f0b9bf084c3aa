import type { Comparison, Precision, ResultRow, Results } from "@edgewatt/protocol";
import { study } from "../study.ts";

interface Variant {
  readonly model: string;
  readonly fraction: number;
  readonly align: 16 | 8 | 1;
  readonly params: number;
  readonly ms: number;
  readonly accuracy: number;
  readonly off: readonly number[];
}

const SHA = "a".repeat(64);
const BASE: Variant = { model: "net", fraction: 0, align: 16, params: 1_500_000, ms: 10, accuracy: 88.5, off: [] };
const VARIANTS: readonly Variant[] = [
  { model: "net-20-a16", fraction: 0.2, align: 16, params: 1_000_000, ms: 7, accuracy: 88, off: [] },
  { model: "net-20-a1", fraction: 0.2, align: 1, params: 990_000, ms: 16, accuracy: 88.1, off: [38, 153] },
  { model: "net-40-a16", fraction: 0.4, align: 16, params: 600_000, ms: 5, accuracy: 85.2, off: [] },
];

export interface Options {
  readonly source?: "estimate" | "ina219" | null;
  readonly accuracy?: boolean;
  /** Only models that were pruned in these multiples. */
  readonly aligns?: readonly number[];
}

/** A study of a model of one's own, figures made up for rendering only. */
export function prunedStudy({ source = "ina219", accuracy = true, aligns = [16, 1] }: Options = {}): Results {
  const like = study({ source, accuracy });
  const variants = VARIANTS.filter(({ align }) => aligns.includes(align));
  const rows = [BASE, ...variants].flatMap((variant, index) =>
    (["fp32", "int8"] as const).map((precision) => rowOf(like, variant, precision, `J/${index}-${precision}`)),
  );
  return {
    ...like,
    method: { ...like.method, quick: false, calibration: { kind: "cifar", images: 256 } },
    rows,
    comparisons: comparisonsOf(rows),
    study: {
      model: BASE.model,
      by: "error",
      allocate: "uniform",
      repair: { kind: "cifar", images: 1000 },
      variants: variants.map(({ model, fraction, align, params }) => ({
        model,
        fraction,
        align,
        params: { before: BASE.params, after: params },
        cached: false,
        left: [{ reason: "the model's outputs stay", layers: 1, first: "fc" }],
      })),
      failed: [],
    },
  };
}

function rowOf(like: Results, variant: Variant, precision: Precision, run: string): ResultRow {
  const { model, fraction, align, params, off } = variant;
  const template = like.rows.find((row) => row.precision === precision);
  if (template === undefined) throw new RangeError("the study has rows");
  const mean = variant.ms * (precision === "int8" ? 0.5 : 1);
  const grossMj = template.energyMj.gross === null ? null : 5 * mean;
  const step = {
    op: "prune",
    from: { name: BASE.model, sha256: SHA },
    fraction,
    align,
    by: "error",
    allocate: "uniform",
    calibration: { kind: "cifar", images: 1000, sha256: SHA },
    version: 1,
    created: "2026-11-26T08:00:00.000Z",
    device: "pi-1",
  } as const;
  return {
    ...template,
    model,
    pruning: fraction,
    fineTuneEpochs: 0,
    params,
    run,
    latencyMs: { ...template.latencyMs, mean, halfWidth95: 0.1 },
    energyMj: { ...template.energyMj, gross: grossMj },
    accuracyPct: template.accuracyPct === null ? null : variant.accuracy - (precision === "int8" ? 0.2 : 0),
    ...(fraction === 0 ? {} : { lineage: [step] }),
    channels: {
      block: { channels: 16, kernels: "AVX-512" },
      layers: 9,
      offLayers: off.length,
      off: off.map((channels, index) => ({ layer: `conv${index}`, channels })),
    },
    flags: [],
  };
}

/** As an agent would pair them: pruned over unpruned, int8 over fp32, and exact counts over multiples. */
function comparisonsOf(rows: readonly ResultRow[]): Comparison[] {
  const pair = (of: ResultRow, over: ResultRow): Comparison => {
    const value = Number(of.latencyMs.mean) / Number(over.latencyMs.mean);
    const ratio = { value, low95: value * 0.98, high95: value * 1.02 };
    const name = ({ run, model, precision }: ResultRow) => ({ run, model, precision });
    return {
      device: of.device,
      numerator: name(of),
      denominator: name(over),
      pairs: 5,
      latency: ratio,
      energyGross: null,
      energyNet: null,
    };
  };
  return rows.flatMap((of) =>
    rows
      .filter((over) => {
        if (of === over) return false;
        if (of.precision !== over.precision) return of.model === over.model && of.precision === "int8";
        return over.pruning === 0 || (of.pruning === over.pruning && of.model.endsWith("a1"));
      })
      .map((over) => pair(of, over)),
  );
}
