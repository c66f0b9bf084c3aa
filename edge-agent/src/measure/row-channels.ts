import type { ChannelBlock, RowChannels } from "@edgewatt/protocol";
import type { ConvChannels } from "@edgewatt/onnx";

/** A result goes through one message, and nobody reads longer lists. */
const MOST_LAYERS = 24;
/** The end of a long name tells more than its beginning. */
const LONGEST_NAME = 80;

/** How the Convs of a model fit the block of channels that a device's kernels take at once. */
export function rowChannels(convs: readonly ConvChannels[], block: ChannelBlock): RowChannels {
  const off = convs.filter(({ writes }) => writes % block.channels !== 0);
  return {
    block,
    layers: convs.length,
    offLayers: off.length,
    off: off
      .slice(0, MOST_LAYERS)
      .map(({ layer, writes }) => ({ layer: layer.slice(-LONGEST_NAME), channels: writes })),
  };
}
