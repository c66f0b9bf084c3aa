import { counted, plural, type Precision, type ResultRow, type RowChannels } from "@edgewatt/protocol";
import { grouped } from "../grouped.ts";
import { listed } from "../listed.ts";

/**
 * The NCHWc layout of ONNX Runtime takes inputs of a multiple of 4 channels (`nchwc_transformer.cc`, `channel_alignment`) and fills
 * them up to the block; a Conv with other counts runs outside of it.
 */
const LAYOUT_CHANNELS = 4;
const MOST_COUNTS = 5;

/** Which Convs of a model fit the kernels badly, in words: `9 of 13 Convs have channel counts that …: 30 (stem), 60 (a, b)`. */
export function offCounts(channels: RowChannels): string {
  const { block, layers, offLayers } = channels;
  return (
    `${shareOf(offLayers, layers)} ${plural(offLayers, "has a channel count that is", "have channel counts that are")} ` +
    `no multiple of ${block.channels}: ${listedCounts(channels)}`
  );
}

/** The same in fewer words, where the block was named before: `2 of 9 Convs miss that, with 30 (stem) and 60 (a and 1 more) channels`. */
export function missedCounts(channels: RowChannels): string {
  const { layers, offLayers } = channels;
  return `${shareOf(offLayers, layers)} ${plural(offLayers, "misses", "miss")} that, with ${listedCounts(channels)} channels`;
}

function shareOf(offLayers: number, layers: number): string {
  return offLayers === layers && layers > 1
    ? `all ${counted(layers, "Conv")}`
    : `${offLayers} of ${counted(layers, "Conv")}`;
}

function listedCounts({ off, offLayers }: RowChannels): string {
  const byCount = grouped(off, ({ channels }) => channels);
  const shown = [...byCount].slice(0, MOST_COUNTS).map(([count, layers]) => {
    const more = layers.length - 1;
    return `${count} (${layers[0]?.layer}${more > 0 ? ` and ${more} more` : ""})`;
  });
  const rest = byCount.size - shown.length;
  const unnamed = offLayers > off.length ? ["others"] : [];
  return listed([...shown, ...(rest > 0 ? [counted(rest, "other count")] : unnamed)]);
}

/** What missing the block costs a Conv, as far as it is known of a device's kernels. */
export function costOfMissing(rows: readonly ResultRow[]): string {
  const [first] = rows;
  const block = first?.channels?.block;
  if (first === undefined || block === undefined) return "";
  if (!block.kernels.startsWith("AVX")) return costOnArm(block, new Set(rows.map(({ precision }) => precision)));
  const takes = `ONNX Runtime's ${block.kernels} kernels take ${block.channels} channels at once`;
  const outside = rows.some(({ channels }) => channels?.off.some((one) => one.channels % LAYOUT_CHANNELS !== 0));
  return first.precision === "fp32" && outside
    ? `${takes}: other counts are filled up with zeros, and those that are no multiple of ${LAYOUT_CHANNELS} leave the fast layout altogether.`
    : `${takes}, and other counts waste a part of them.`;
}

/**
 * On arm64 the hand-written depthwise kernels of int8 need multiples of 16, the others of 8 (MLAS); a blocked layout for float exists there since
 * 2025, but it is an option of the build, of which a device cannot tell.
 */
function costOnArm({ kernels, channels }: RowChannels["block"], precisions: ReadonlySet<Precision>): string {
  const int8 = `ONNX Runtime's fast ${kernels} kernels for int8 want multiples of ${channels} channels, some of ${channels / 2}, and other counts get slower ones.`;
  const float = precisions.has("int8")
    ? "Whether those for float want them too depends on how it was built."
    : `Whether ONNX Runtime's ${kernels} kernels for float want multiples of ${channels} channels depends on how it was built.`;
  return [...(precisions.has("int8") ? [int8] : []), ...(precisions.has("fp32") ? [float] : [])].join(" ");
}
