import { JobError } from "../errors.ts";
import type { Accuracy, AccuracyRequest } from "./messages.ts";
import { toOrtFeeds, type Model } from "./model.ts";

const BATCH = 50;

/**
 * Top-1 accuracy on the first images of a labelled set, apart from the measured windows but in the same session. Larger
 * batches are used where the model's batch is dynamic.
 */
export async function measureAccuracy(
  model: Model,
  request: AccuracyRequest,
  onProgress: (share: number) => void,
): Promise<Accuracy> {
  // Loaded late: the data reader must not count as memory of the model, whose peak is taken before.
  const { openCifar } = await import("@edgewatt/onnx");
  const { path, images, mean, std } = request;
  const source = await openCifar(path, {
    inputs: model.inputs,
    images,
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
  });
  const dynamic = typeof model.inputs[0]?.shape[0] === "string";
  let correct = 0;
  let done = 0;
  for await (const batch of source.batches({ batchSize: dynamic ? BATCH : 1, count: source.count })) {
    const { labels } = batch;
    if (labels === undefined) {
      throw new JobError(`${path} has no labels: give a CIFAR binary file for accuracy`, { code: "no-labels" });
    }
    const outputs = await model.run(toOrtFeeds(batch.feeds as Parameters<typeof toOrtFeeds>[0]));
    const output = Object.values(outputs)[0];
    if (output === undefined || !("data" in output)) {
      throw new JobError("the model gives no tensor to compare with labels: use a classifier", { code: "no-scores" });
    }
    correct += countCorrect(output.data as ArrayLike<number>, labels);
    done += batch.count;
    onProgress(done / source.count);
  }
  return { type: "accuracy", correct, images: done };
}

function countCorrect(scores: ArrayLike<number>, labels: Uint8Array): number {
  const classes = scores.length / labels.length;
  let correct = 0;
  labels.forEach((label, image) => {
    let best = 0;
    for (let i = 1; i < classes; i++) {
      if ((scores[image * classes + i] ?? 0) > (scores[image * classes + best] ?? 0)) best = i;
    }
    if (best === label) correct += 1;
  });
  return correct;
}
