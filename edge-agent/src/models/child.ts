import {
  convChannels,
  countParameters,
  DataError,
  describeInputs,
  describeModel,
  keepHeapSmall,
  OnnxError,
  openCalibration,
  readModel,
  type DataOptions,
  type DataSource,
} from "@edgewatt/onnx";
import { prune } from "@edgewatt/pruner";
import { measureSensitivity, quantize } from "@edgewatt/quantizer";
import { EdgewattError, pruneReportSchema, quantizeReportSchema, sensitivityReportSchema } from "@edgewatt/protocol";
import type { z } from "zod";
import type { Feeds } from "../runner/messages.ts";
import type {
  Compared,
  FromModelWorker,
  ImageSource,
  Inspected,
  Pruned,
  PruneRequest,
  Quantized,
  QuantizeRequest,
  SensitivityProgress,
  SensitivityRequest,
  To,
  ToModelWorker,
} from "./messages.ts";
import { requireOneFile } from "./one-file.ts";
import type { ModelProgress } from "./progress.ts";
import { pruneProgress } from "./prune-progress.ts";
import { quantizeProgress } from "./quantize-progress.ts";
import { throttleSteps } from "./throttle-steps.ts";

function tell(message: FromModelWorker): void {
  process.send?.(message);
}

function open(source: ImageSource, inputs: DataOptions["inputs"], images: number): Promise<DataSource> {
  const { what, seed, mean, std, inputShape } = source;
  return openCalibration(what, {
    inputs,
    images,
    seed,
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
    ...(inputShape === undefined ? {} : { inputShape }),
  });
}

async function inspect({ modelPath, source, images }: Extract<ToModelWorker, { type: "inspect" }>): Promise<Inspected> {
  const model = await readModel(modelPath);
  const { inputs } = await describeModel(modelPath);
  const quantized = (model.graph?.node ?? []).some(({ opType }) => /^(De)?Quantize|^QLinear|Integer$/.test(opType));
  return {
    type: "inspected",
    params: countParameters(model),
    quantized,
    dynamicBatch: inputs.every(({ shape }) => typeof shape[0] === "string"),
    convs: convChannels(model),
    feeds: await prepare(source, inputs, images),
  };
}

async function prepare(source: ImageSource, inputs: DataOptions["inputs"], images: number): Promise<Feeds[]> {
  const feeds: Feeds[] = [];
  try {
    const data = await open(source, inputs, images);
    for await (const batch of data.batches({ batchSize: 1, count: images })) feeds.push(batch.feeds as Feeds);
  } catch (error) {
    // A model that takes no images can be measured all the same; the runner then feeds it a pattern.
    if (!(error instanceof DataError)) throw error;
    return [];
  }
  return feeds;
}

async function quantizeModel(request: To<QuantizeRequest>): Promise<Quantized> {
  const { input, output, source, images, recipe } = request;
  await requireOneFile(input, "quantize");
  const { inputs } = await describeModel(input);
  const note = throttleSteps<ModelProgress>(tell);
  const report = await quantize({
    ...recipe,
    input,
    output,
    calibration: await open(source, inputs, images),
    onProgress: (progress) => {
      const told = quantizeProgress(progress, { searching: recipe.target !== undefined });
      if (told !== undefined) note(told);
    },
  });
  return { type: "quantized", report: overTheWire(quantizeReportSchema, report) };
}

async function pruneModel(request: To<PruneRequest>): Promise<Pruned> {
  const { input, output, source, images, recipe } = request;
  await requireOneFile(input, "prune");
  const note = throttleSteps<ModelProgress>(tell);
  const report = await prune({
    ...recipe,
    input,
    output,
    calibration: await open(source, await describeInputs(input), images),
    onProgress: (progress) => {
      const told = pruneProgress(progress);
      if (told !== undefined) note(told);
    },
  });
  return { type: "pruned", report: overTheWire(pruneReportSchema, report) };
}

/** Without where the files were while it worked; what is infinite becomes null. */
function overTheWire<R>(schema: z.ZodType<R>, report: object): R {
  return schema.parse(JSON.parse(JSON.stringify({ ...report, in: undefined, out: undefined })));
}

async function compareLayers(request: SensitivityRequest): Promise<Compared> {
  const { input, source, images, evaluation, evaluationImages, threads, recipe } = request;
  const { inputs } = await describeModel(input);
  const note = throttleSteps<SensitivityProgress>(tell);
  const report = await measureSensitivity({
    ...recipe,
    input,
    calibration: await open(source, inputs, images),
    ...(evaluation === undefined ? {} : { evaluation: await open({ ...source, what: evaluation }, inputs, images) }),
    evaluationImages,
    threads,
    onProgress: ({ step, done, total }) => {
      if (step !== "prepare") note({ type: "sensitivityProgress", step, share: done / Math.max(1, total) });
    },
  });
  return { type: "compared", report: sensitivityReportSchema.parse(report) };
}

function answer(message: ToModelWorker): Promise<FromModelWorker> {
  switch (message.type) {
    case "inspect":
      return inspect(message);
    case "quantize":
      return quantizeModel(message);
    case "prune":
      return pruneModel(message);
    case "sensitivity":
      return compareLayers(message);
  }
}

keepHeapSmall();
process.on("message", (message: ToModelWorker) => {
  answer(message).then(tell, (error: unknown) => {
    const known = error instanceof OnnxError || error instanceof EdgewattError;
    const text = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    tell({ type: "failed", code: known ? error.code : "model-worker-failed", message: text });
  });
});
process.on("disconnect", () => process.exit());
