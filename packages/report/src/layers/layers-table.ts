import { type Layers, plural } from "@edgewatt/protocol";
import { flagCode } from "../columns.ts";
import { formatCount, formatFigure, formatWithHalfWidth } from "../number-format.ts";
import { estimateText, hasEstimatedEnergy } from "../power-source.ts";
import type { ResultsTable, TableCell, TableColumn } from "../results-table.ts";

type Layer = Layers["layers"][number];
type Other = Layers["time"]["int8"];

interface LayerColumn extends TableColumn {
  readonly format: (layer: Layer) => string | null;
  /** Of the row of all that belongs to no layer. */
  readonly other?: (layers: Layers) => string | null;
  /** Why cells of the column are blank. */
  readonly blank?: (layer: Layer, layers: Layers) => string;
}

const BLANK = "–";

/** The layers of a model under the same columns everywhere; every blank cell points to a footnote that says why. */
export function layersTable(layers: Layers): ResultsTable {
  const columns = columnsOf(layers);
  const footnotes = [...layers.flags];
  const noteOf = (note: string): number => {
    if (!footnotes.includes(note)) footnotes.push(note);
    return footnotes.indexOf(note) + 1;
  };
  const rows = layers.layers.map((layer) =>
    columns.map(({ format, blank }): TableCell => {
      const text = format(layer);
      return text === null
        ? { text: BLANK, notes: [noteOf(blank?.(layer, layers) ?? "not measured")] }
        : { text, notes: [] };
    }),
  );
  const other = columns.map(({ other: format }): TableCell => ({ text: format?.(layers) ?? "", notes: [] }));
  return {
    columns: columns.map(({ key, title, short, align }) => ({ key, title, short, align })),
    rows: [...rows, other],
    footnotes,
    caption: captionOf(layers),
  };
}

function columnsOf(layers: Layers): LayerColumn[] {
  const estimate = hasEstimatedEnergy(layers);
  return [
    { key: "index", title: "#", short: "#", align: "right", format: ({ index }) => String(index + 1) },
    { key: "layer", title: "layer", short: "layer", align: "left", format: ({ name }) => name, other: () => "other" },
    {
      key: "op",
      title: "operator",
      short: "operator",
      align: "left",
      format: ({ op }) => op,
    },
    {
      key: "params",
      title: "#params",
      short: "#params",
      align: "right",
      format: ({ params }) => formatCount(params),
    },
    {
      key: "weightsPct",
      title: "weights (%)",
      short: "weights %",
      align: "right",
      format: ({ weightsPct }) => percent(weightsPct),
    },
    {
      key: "macsPct",
      title: "multiply-accumulates (%)",
      short: "MACs %",
      align: "right",
      format: ({ macsPct }) => percent(macsPct),
    },
    {
      key: "timePct",
      title: "time, int8 (%)",
      short: "time int8 %",
      align: "right",
      format: ({ timePct }) => percent(timePct),
      other: ({ time }) => percent(time.int8.otherPct),
    },
    {
      key: "floatTimePct",
      title: "time, fp32 (%)",
      short: "time fp32 %",
      align: "right",
      format: ({ floatTimePct }) => percent(floatTimePct),
      other: ({ time }) => percent(time.float.otherPct),
    },
    energyColumn("energyMj", "int8", estimate),
    energyColumn("floatEnergyMj", "fp32", estimate),
    {
      key: "sqnrDb",
      title: "signal-to-noise, this layer alone (dB)",
      short: "SQNR alone dB",
      align: "right",
      format: ({ sqnrDb }) => (sqnrDb === null ? null : sqnrDb.toFixed(1)),
      blank: whyNotQuantized,
    },
    {
      key: "agreement",
      title: "same class, this layer alone (%)",
      short: "class same %",
      align: "right",
      format: ({ agreement }) => (agreement === null ? null : (100 * agreement).toFixed(2)),
      blank: (layer, all) =>
        layer.reason === null ? "class: the output is no class vector" : whyNotQuantized(layer, all),
    },
    {
      key: "accuracyDropPt",
      title: "accuracy lost, this layer alone (pt)",
      short: "accuracy lost pt",
      align: "right",
      format: ({ accuracyDropPt }) => (accuracyDropPt === null ? null : accuracyDropPt.toFixed(2)),
      blank: (layer, all) =>
        layer.reason === null
          ? (flagLike(all, /^accuracy$/) ?? "accuracy: the images have no labels")
          : whyNotQuantized(layer, all),
    },
  ];
}

function energyColumn(key: "energyMj" | "floatEnergyMj", precision: "int8" | "fp32", estimate: boolean): LayerColumn {
  const known = key === "energyMj" ? "int8" : "float";
  const read = (otherPct: (time: Layers["time"]) => Other) => (layers: Layers) => {
    const energy = layers.energy[known];
    return energy === null ? null : formatFigure((energy.grossMj * otherPct(layers.time).otherPct) / 100);
  };
  return {
    key,
    title: `energy, ${precision}, apportioned by time${estimate ? ", estimate" : ""} (mJ)`,
    short: `energy ${precision} mJ${estimate ? " est." : ""}`,
    align: "right",
    format: (layer) => {
      const energy = layer[key];
      return energy === null ? null : formatFigure(energy);
    },
    other: read((time) => time[known]),
    blank: (_layer, layers) => flagLike(layers, /energy|power|meter|source/) ?? "energy: not measured",
  };
}

function whyNotQuantized({ name, reason }: Layer, layers: Layers): string {
  if (reason === null) return "signal-to-noise: no noise at all, or no signal";
  return (
    layers.flags.find((flag) => flag.startsWith(`float: ${name} `)) ?? `float: ${name} is not quantized: ${reason}`
  );
}

function flagLike({ flags }: Layers, code: RegExp): string | undefined {
  return flags.find((flag) => code.test(flagCode(flag)));
}

function percent(value: number): string {
  return value.toFixed(2);
}

function captionOf(layers: Layers): string[] {
  const { params, macs, time, energy, evaluation, calibration, format } = layers;
  const { int8, float } = energy;
  const estimate = estimateText([energy.source]);
  const energies = [
    ...(int8 === null ? [] : [`int8 ${formatWithHalfWidth(int8.grossMj, int8.grossHalfWidth95)} mJ`]),
    ...(float === null ? [] : [`fp32 ${formatWithHalfWidth(float.grossMj, float.grossHalfWidth95)} mJ`]),
  ];
  const accuracy =
    evaluation.accuracyPct === null ? "" : `; the float model is right on ${evaluation.accuracyPct.toFixed(2)} %`;
  const seen = evaluation.heldBack ? "not used for calibration" : "which calibration has seen too";
  return [
    `Weights: of ${formatCount(params)} parameters, after batch norms were folded. Multiply-accumulates: of ${formatFigure(macs / 1e6)} million per image.`,
    `Time: share of the time of all kernels in a run, by ONNX Runtime's profiler; in all int8 ${formatFigure(time.int8.totalMs)} ms, ` +
      `fp32 ${formatFigure(time.float.totalMs)} ms. Other: kernels of no layer, such as quantizing the input, pooling, changes of layout.`,
    ...(energies.length === 0
      ? []
      : [
          `Energy: the share of time × the model's gross energy per image (${energies.join(", ")}): apportioned by time, since no ` +
            "meter tells layers apart.",
        ]),
    ...(energies.length === 0 || estimate === undefined ? [] : [estimate]),
    `Alone: what the model's output loses when only that layer is quantized (${format}) and all others compute in float, on ` +
      `${formatCount(evaluation.images)} ${plural(evaluation.images, "image")} of kind ${evaluation.kind}, ${seen}${accuracy}. One image is ${(100 / Math.max(1, evaluation.images)).toFixed(2)} pt.`,
    `int8 calibration: ${formatCount(calibration.images)} ${plural(calibration.images, "image")} of kind ${calibration.kind}.`,
  ];
}
