import {
  deriveModel,
  fittingBatches,
  fixedBatch,
  makeOutput,
  openSession,
  type DataSource,
  type Graph,
} from "@edgewatt/onnx";

/**
 * The shape of each input and of each tensor that the nodes compute, found by running the model on the first image (or batch, where its size is fixed): known
 * throughout then, even where the file leaves sides open.
 * @throws DataError for data that does not fit, ModelError where the model does not run
 */
export async function measureShapes(
  graph: Graph,
  source: DataSource,
  name: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const tensors = graph.nodes.flatMap(({ output }) => output.filter((tensor) => tensor !== ""));
  const model = deriveModel(graph.model, { node: [...graph.nodes], output: tensors.map(makeOutput) });
  await using session = await openSession(model, { optimization: "disabled", name });
  for await (const { feeds } of fittingBatches(session, source, 0, fixedBatch(session) ?? 1, signal, 1)) {
    // Sequences and the like have no shape.
    const known = session.outputs.filter(({ type }) => type !== "non-tensor").map(({ name: tensor }) => tensor);
    const results = await session.run(feeds, known, signal);
    return new Map(Object.entries({ ...feeds, ...results }).map(([tensor, { dims }]) => [tensor, dims]));
  }
  return new Map();
}
