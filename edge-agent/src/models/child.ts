import {
  countParameters,
  DataError,
  describeModel,
  keepHeapSmall,
  OnnxError,
  openCalibration,
  readModel,
  type DataOptions,
  type DataSource,
} from "@edgewatt/onnx";
import { measureSensitivity, quantize } from "@edgewatt/quantizer";
import { EdgewattError, quantizeReportSchema, sensitivityReportSchema } from "@edgewatt/protocol";
import type { Feeds } from "../runner/messages.ts";
import type {
  Compared,
  FromModelWorker,
  ImageSource,
  Inspected,
  Quantized,
  QuantizeRequest,
  SensitivityRequest,
  ToModelWorker,
} from "./messages.ts";

/** Thousands of images a second would be as many messages. */
const PROGRESS_EVERY_MS = 250;

function tell(message: FromModelWorker): void {
  process.send?.(message);
}

function open(source: ImageSource, inputs: DataOptions["inputs"], images: number): Promise<DataSource> {
  const { what, seed, mean, std } = source;
  return openCalibration(what, {
    inputs,
    images,
    seed,
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
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

async function quantizeModel(request: QuantizeRequest): Promise<Quantized> {
  const { input, output, source, images, recipe } = request;
  const { inputs } = await describeModel(input);
  const report = await quantize({
    ...recipe,
    input,
    output,
    calibration: await open(source, inputs, images),
    onProgress: ({ step, done, total }) =>
      tell({
        type: "progress",
        step: step === "calibrate" ? "calibrate" : "quantize",
        share: done / Math.max(1, total),
      }),
  });
  return { type: "quantized", report: quantizeReportSchema.parse(report) };
}

async function compareLayers(request: SensitivityRequest): Promise<Compared> {
  const { input, source, images, evaluation, evaluationImages, threads, recipe } = request;
  const { inputs } = await describeModel(input);
  let toldMs = -Infinity;
  const report = await measureSensitivity({
    ...recipe,
    input,
    calibration: await open(source, inputs, images),
    ...(evaluation === undefined ? {} : { evaluation: await open({ ...source, what: evaluation }, inputs, images) }),
    evaluationImages,
    threads,
    onProgress: ({ step, done, total }) => {
      if (step === "prepare" || performance.now() - toldMs < PROGRESS_EVERY_MS) return;
      toldMs = performance.now();
      tell({ type: "sensitivityProgress", step, share: done / Math.max(1, total) });
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
