import { JobError } from "../errors.ts";
import type { Feeds, TensorData } from "./messages.ts";

type Values = TensorData["data"];

/** Room for `count` times the values of a tensor, of the same kind. */
function roomFor(data: Values, count: number): Values {
  const Kind = data.constructor as new (length: number) => Values;
  return new Kind(data.length * count);
}

function join(tensors: readonly TensorData[]): TensorData {
  const [first] = tensors;
  if (first === undefined) throw new RangeError("no tensors to join");
  const [side = 1, ...rest] = first.dims;
  const data = roomFor(first.data, tensors.length);
  for (const [i, tensor] of tensors.entries())
    (data as Uint8Array).set(tensor.data as Uint8Array, i * first.data.length);
  return { type: first.type, dims: [side * tensors.length, ...rest], data };
}

/**
 * Joins inputs of one image each into inputs of `batch` images, in order; the last one is filled up from the start.
 * @throws {JobError} `batch-uneven` when inputs differ in their names
 */
export function joinBatches(feeds: readonly Feeds[], batch: number): readonly Feeds[] {
  if (batch === 1 || feeds.length === 0) return feeds;
  return Array.from({ length: Math.ceil(feeds.length / batch) }, (_, group) => {
    const members = Array.from({ length: batch }, (__, i) => feeds[(group * batch + i) % feeds.length] ?? {});
    const names = Object.keys(members[0] ?? {});
    return Object.fromEntries(
      names.map((name) => [
        name,
        join(
          members.map((member) => {
            const tensor = member[name];
            if (tensor !== undefined) return tensor;
            throw new JobError(`an input of the benchmark lacks "${name}"`, { code: "batch-uneven" });
          }),
        ),
      ]),
    );
  });
}
