import { counted, plural, type Results, type Study } from "@edgewatt/protocol";
import { alignText } from "../align.ts";
import { listed } from "../listed.ts";
import { formatCount } from "../number-format.ts";

/** Which models the study is about, and what they were repaired and calibrated from. */
export function cutWords(study: Study, results: Results): string[] {
  const { variants, model, repair } = study;
  const devices = listed(results.devices.map(({ id, board }) => `${id} (${board})`));
  if (variants.length === 0) return [`${model} was measured as it is, on ${devices}.`];
  const fractions = [...new Set(variants.map(({ fraction }) => fraction))].sort((a, b) => a - b);
  const aligns = [...new Set(variants.map(({ align }) => align))].sort((a, b) => b - a);
  const by = study.by === "error" ? "what the layers behind would lose" : "the size of their weights";
  const shared = study.allocate === "error" ? ", more where less is lost by it" : "";
  return [
    `${model} lost ${listed(fractions.map((fraction) => `${percent(fraction)} %`))} of its channels${shared}, ${alignsText(aligns)}, chosen by ${by}, and was measured on ${devices}.`,
    ...(repair === null ? [] : [repairText(repair)]),
    sizeText(study),
    ...calibrationText(results),
    ...leftText(study),
  ];
}

function alignsText(aligns: readonly number[]): string {
  const blocks = aligns.filter((align) => align > 1);
  const rounded = blocks.length === 0 ? [] : [`rounded to multiples of ${listed(blocks.map(String))}`];
  const texts = [...rounded, ...(aligns.includes(1) ? ["as exact counts"] : [])];
  return aligns.length > 1 ? `each ${listed(texts)}` : texts.join("");
}

function repairText({ kind, images }: NonNullable<Study["repair"]>): string {
  const caveat = kind === "synthetic" ? " Real images would repair it better." : "";
  return `What was cut was repaired in closed form from ${imagesText(kind, images)}, without labels and without training.${caveat}`;
}

function imagesText(kind: string, images: number): string {
  const count = `${formatCount(images)}${kind === "synthetic" ? " synthetic" : ""} ${plural(images, "image")}`;
  if (kind === "synthetic") return count;
  return `${count} ${kind === "images" ? "of a folder" : `of kind ${kind}`}`;
}

/** The int8 models are calibrated on the first of the same images; of generated ones there are as many as are asked for. */
function calibrationText({ study, method: { calibration }, rows }: Results): string[] {
  if (calibration === null || rows.every(({ precision }) => precision !== "int8")) return [];
  const repaired = study?.repair?.images ?? 0;
  const { images, kind } = calibration;
  if (repaired === images) return ["The int8 models were calibrated on the same."];
  if (repaired > images) return [`The int8 models were calibrated on the first ${formatCount(images)} of them.`];
  return [`The int8 models were calibrated on ${imagesText(kind, images)}.`];
}

function sizeText({ variants }: Study): string {
  const smallest = variants.reduce((a, b) => (b.params.after < a.params.after ? b : a));
  const { before, after } = smallest.params;
  return `Of ${formatCount(before)} parameters the smallest model has ${formatCount(after)} left.`;
}

/** Layers that are kept for as little as their size differ in figures only, which would make a sentence for each size. */
const TOO_SMALL = /channels that could go, no more than the \d+ that are kept together$/;

/** Reasons that hold for some layer in every variant; what a single fraction leaves is in `results.json`. */
function leftText({ variants }: Study): string[] {
  const [first] = variants;
  if (first === undefined) return [];
  const always = first.left.filter(({ reason }) =>
    variants.every(({ left }) => left.some((other) => other.reason === reason)),
  );
  const small = always.filter(({ reason }) => TOO_SMALL.test(reason));
  const texts = always
    .filter((one) => !small.includes(one))
    .map(({ reason, layers, first: name }) => `${layersText(layers, name)} (${reason})`);
  const [smallest] = small;
  if (smallest !== undefined) {
    const layers = small.reduce((sum, one) => sum + one.layers, 0);
    texts.push(`${layersText(layers, smallest.first)} (no more channels than one multiple)`);
  }
  return texts.length === 0 ? [] : [`These keep all their channels: ${listed(texts)}.`];
}

function layersText(layers: number, name: string): string {
  return layers === 1 ? name : `${counted(layers, "layer")} such as ${name}`;
}

/** What is missing from the study, and why. */
export function failedWords({ failed }: Study): string[] {
  return failed.map(
    ({ fraction, align, reason }) => `Pruning by ${fraction} in ${alignText(align)} did not succeed: ${reason}.`,
  );
}

/** What the pruner takes unless told. */
const DEFAULT_IMAGES = 1000;

/** How a reader gets the file of a row. */
export function howToGet({ variants, by, allocate, repair }: Study): string[] {
  if (variants.length === 0) return [];
  const options = [
    "--fraction F --align A",
    ...(by === "error" ? [] : [`--by ${by}`]),
    ...(allocate === "uniform" ? [] : [`--allocate ${allocate}`]),
    ...(repair === null || repair.images === DEFAULT_IMAGES ? [] : [`--images ${repair.images}`]),
  ].join(" ");
  return [
    `\`edgewatt prune MODEL ${options}\` with the fraction and the multiple of a row, and the same \`--calibration\`, gives its file; the device of the study has it already. A model that is not in the registry goes there first (\`edgewatt models add FILE\`), or is pruned without a stack: \`edgewatt prune --local FILE OUT.onnx\` with the same options.`,
  ];
}

function percent(fraction: number): string {
  return String(Number((100 * fraction).toPrecision(6)));
}
