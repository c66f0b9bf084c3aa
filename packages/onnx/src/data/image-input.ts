import { DataError } from "../errors.ts";
import type { TensorValue, ValueDescription } from "../session.ts";
import type { DataOptions } from "./source.ts";

type ImageLayout = "NCHW" | "NHWC";

/** An input that takes images, and how bytes become its values. */
export interface ImageInput {
  readonly name: string;
  readonly layout: ImageLayout;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** For each channel the 256 values that a byte turns into: (byte / 255 - mean) / std. */
  readonly values: readonly Float32Array[];
}

/**
 * Reads from the model's description how images go in.
 * @param defaultSide stands in for a dynamic height or width, where the source has one size only
 * @throws DataError when the model takes no single float32 image batch, or a side is dynamic and not given
 */
export function imageInputOf(options: DataOptions, defaultSide?: number): ImageInput {
  const [input] = options.inputs;
  if (input === undefined || options.inputs.length > 1) {
    throw new DataError(
      `images cannot feed a model with ${options.inputs.length} inputs (${options.inputs.map((value) => value.name).join(", ")}): give a folder with one <input name>.npy per input`,
      { code: "input-not-image" },
    );
  }
  const shape = fixedShape(input, options.inputShape);
  if (input.type !== "float32" || shape.length !== 4) {
    throw new DataError(
      `images cannot feed input "${input.name}" (${input.type}, shape [${input.shape.join(", ")}]): give its data as .npy with the first axis for samples`,
      { code: "input-not-image", context: { input: input.name } },
    );
  }
  const layout = layoutOf(shape);
  const [channels, height, width] = layout === "NCHW" ? [shape[1], shape[2], shape[3]] : [shape[3], shape[1], shape[2]];
  const sides = [height, width].map((side) => (typeof side === "number" ? side : defaultSide));
  if (typeof channels !== "number" || sides[0] === undefined || sides[1] === undefined) {
    throw new DataError(
      `input "${input.name}" has dynamic sides [${input.shape.join(", ")}]: fix them with --input-shape, for example 1,3,224,224`,
      {
        code: "input-shape-dynamic",
        context: { input: input.name },
      },
    );
  }
  return {
    name: input.name,
    layout,
    channels,
    height: sides[0],
    width: sides[1],
    values: valueTables(channels, options),
  };
}

/** The same for pictures, which are grey or RGB. */
export function pictureInputOf(options: DataOptions): ImageInput {
  const input = imageInputOf(options);
  if (input.channels === 1 || input.channels === 3) return input;
  throw new DataError(
    `images have 1 or 3 channels but input "${input.name}" takes ${input.channels}: give its data as .npy`,
    { code: "data-shape", context: { input: input.name } },
  );
}

/** The input's shape with the given sides in place of the dynamic ones; throws DataError where they contradict it. */
export function fixedShape(
  input: ValueDescription,
  given: readonly number[] | undefined,
): readonly (number | string)[] {
  if (given === undefined) return input.shape;
  const fits =
    given.length === input.shape.length &&
    given.every((side, axis) => typeof input.shape[axis] === "string" || input.shape[axis] === side);
  if (!fits) {
    throw new DataError(
      `--input-shape ${given.join(",")} does not fit input "${input.name}" of shape [${input.shape.join(", ")}]: give one number per axis`,
      {
        code: "input-shape-mismatch",
        context: { input: input.name },
      },
    );
  }
  return given;
}

/** Makes the feed of a batch and hands out the place of each image in it. */
export function imageFeed(
  input: ImageInput,
  count: number,
): { value: TensorValue; image: (index: number) => Float32Array } {
  const size = input.channels * input.height * input.width;
  const data = new Float32Array(count * size);
  const sides =
    input.layout === "NCHW" ? [input.channels, input.height, input.width] : [input.height, input.width, input.channels];
  return {
    value: { type: "float32", dims: [count, ...sides], data },
    image: (index) => data.subarray(index * size, (index + 1) * size),
  };
}

/** Turns the bytes of one image, in planes (CHW) or interleaved (HWC), into the input's values and layout. */
export function normalizeImage(bytes: Uint8Array, order: "CHW" | "HWC", input: ImageInput, target: Float32Array): void {
  const pixels = input.height * input.width;
  for (let channel = 0; channel < input.channels; channel++) {
    const values = input.values[channel] as Float32Array;
    const [sourceStart, sourceStep] = order === "CHW" ? [channel * pixels, 1] : [channel, input.channels];
    const [targetStart, targetStep] = input.layout === "NCHW" ? [channel * pixels, 1] : [channel, input.channels];
    for (let pixel = 0; pixel < pixels; pixel++) {
      target[targetStart + pixel * targetStep] = values[bytes[sourceStart + pixel * sourceStep] as number] as number;
    }
  }
}

function layoutOf(shape: readonly (number | string)[]): ImageLayout {
  const looksLikeChannels = (side: number | string | undefined): boolean => side === 1 || side === 3 || side === 4;
  return !looksLikeChannels(shape[1]) && looksLikeChannels(shape[3]) ? "NHWC" : "NCHW";
}

function valueTables(channels: number, options: DataOptions): Float32Array[] {
  const mean = perChannel("mean", options.mean ?? [0], channels);
  const std = perChannel("std", options.std ?? [1], channels);
  if (std.some((value) => !(value > 0))) {
    throw new DataError(`--std must be above 0, but is ${std.join(",")}`, { code: "normalization" });
  }
  return mean.map((center, channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - center) / (std[channel] ?? 1)),
  );
}

function perChannel(name: string, values: readonly number[], channels: number): number[] {
  if (values.length === channels) return [...values];
  if (values.length === 1) return Array.from({ length: channels }, () => values[0] as number);
  throw new DataError(
    `--${name} has ${values.length} values, and the model's input needs ${channels}: give one per channel, or one for all`,
    {
      code: "normalization",
    },
  );
}
