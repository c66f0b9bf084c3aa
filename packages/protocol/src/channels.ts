import { z } from "zod";
import { count } from "./schemas.ts";

/** Channels that kernels take at once, and which kernels, for people: `AVX-512`. */
export const channelBlockSchema = z.looseObject({ channels: z.number().int().positive(), kernels: z.string() });
export type ChannelBlock = z.infer<typeof channelBlockSchema>;

/** How the channel counts of a model's Convs fit the kernels of the device that ran it. */
export const channelsSchema = z.looseObject({
  block: channelBlockSchema,
  /** Convs of the model, and those of them that write a count of channels which is no multiple of the block. */
  layers: count,
  offLayers: count,
  /** The first of those, in the order of the file. */
  off: z.array(z.looseObject({ layer: z.string(), channels: count })),
});
export type RowChannels = z.infer<typeof channelsSchema>;
