import { fittingBatches, openSession, type DataSource, type TensorValue } from "@edgewatt/onnx";
import { LARGEST_BATCH } from "../activations/channel-moments.ts";
import type { ExtraNodes } from "../activations/extra-nodes.ts";

/** A part of a model that is run: the tensors that it has to compute, and what the nodes that were added to it give. */
export interface StreamPart {
  readonly nodes: ExtraNodes;
  readonly tensors: readonly string[];
  readonly outputs: readonly string[];
}

export interface StreamOptions {
  readonly source: DataSource;
  readonly signal?: AbortSignal;
}

/**
 * Runs the original and then the pruned model on each batch, and hands what the original gave to the pruned one as further inputs.
 * @param take gets the results of both
 */
export async function runTwoStreams(
  original: StreamPart,
  pruned: StreamPart & { readonly inputs: Parameters<ExtraNodes["model"]>[2] },
  { source, signal }: StreamOptions,
  take: (pruned: Readonly<Record<string, TensorValue>>, original: Readonly<Record<string, TensorValue>>) => void,
): Promise<void> {
  const settings = { memoryPattern: false };
  await using first = await openSession(original.nodes.model(original.tensors, original.outputs), settings);
  await using second = await openSession(pruned.nodes.model(pruned.tensors, pruned.outputs, pruned.inputs), settings);
  for await (const { feeds } of fittingBatches(first, source, 0, source.count, signal, LARGEST_BATCH)) {
    const expected = await first.run(feeds, original.outputs, signal);
    const handed = (pruned.inputs ?? []).map(({ name }, index) => [
      name,
      expected[original.outputs[index] as string] as TensorValue,
    ]);
    take(await second.run({ ...feeds, ...Object.fromEntries(handed) }, pruned.outputs, signal), expected);
  }
}
