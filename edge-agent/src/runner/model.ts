import "@edgewatt/onnx/no-telemetry";
import * as ort from "onnxruntime-node";
import { JobError } from "../errors.ts";
import type { Feeds, LoadRequest, SessionOptions, TensorData } from "./messages.ts";

export type OrtFeeds = Record<string, ort.Tensor>;

/** Name, element type and shape of an input; a dynamic side is a name. */
interface InputDescription {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** A loaded model of the runner. */
export interface Model {
  readonly inputs: readonly InputDescription[];
  /** Images per run. */
  readonly batch: number;
  /**
   * Runs once; blocks the thread for the time of the inference, as the binding is synchronous. Outputs are not preallocated:
   * onnxruntime-node 1.30 fills given tensors and returns copies of them all the same.
   */
  run(feeds: OrtFeeds): Promise<ort.InferenceSession.OnnxValueMapType>;
}

export const ORT_VERSION = ort.env.versions.common;

/** An ONNX model of one node: y = Identity(x) on one float, in operator set 13. */
const ONE_NODE = Buffer.from(
  "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAN",
  "base64",
);

/** The session options that the benchmark's factors stand for. */
function sessionOptions({ threads, spinning, graphOptimization }: SessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: graphOptimization,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
  };
}

/** Opens a session that holds next to nothing, so that all which ONNX Runtime sets up for its first one is there. */
export async function openFirstSession(options: SessionOptions): Promise<void> {
  await ort.InferenceSession.create(ONE_NODE, sessionOptions(options));
}

/** Loads a model. @throws {JobError} `model-not-loadable` */
export async function loadModel(request: LoadRequest): Promise<Model> {
  const { modelPath, batch } = request;
  let session: ort.InferenceSession;
  try {
    session = await ort.InferenceSession.create(modelPath, sessionOptions(request));
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new JobError(`ONNX Runtime cannot load the model: check that it is a valid ONNX file (${reason})`, {
      code: "model-not-loadable",
      context: { modelPath },
      cause,
    });
  }
  const inputs = session.inputMetadata.map((input) => ({
    name: input.name,
    type: input.isTensor ? input.type : "not a tensor",
    shape: input.isTensor ? input.shape : [],
  }));
  return { inputs, batch, run: (feeds) => session.run(feeds) };
}

export function toOrtFeeds(feeds: Feeds): OrtFeeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toTensor(tensor)]));
}

function toTensor({ type, dims, data }: TensorData): ort.Tensor {
  return new ort.Tensor(type as ort.Tensor.Type, data, dims);
}

/**
 * Inputs for a model that takes no images: a fixed pattern of numbers between 0 and 1 in float inputs, zeros in integer
 * ones, a dynamic batch that of the benchmark, other dynamic sides 1. The values of an input do not change how long dense layers take.
 */
export function patternFeeds(model: Model): OrtFeeds {
  const entries = model.inputs.map((input): [string, ort.Tensor] => {
    const dims = input.shape.map((side, axis) => (typeof side === "number" ? side : axis === 0 ? model.batch : 1));
    const size = dims.reduce((a, b) => a * b, 1);
    if (input.type === "float32") {
      return [
        input.name,
        new ort.Tensor(
          "float32",
          Float32Array.from({ length: size }, (_, i) => (i % 251) / 251),
          dims,
        ),
      ];
    }
    if (input.type === "int64") return [input.name, new ort.Tensor("int64", new BigInt64Array(size), dims)];
    if (input.type === "int32") return [input.name, new ort.Tensor("int32", new Int32Array(size), dims)];
    if (input.type === "uint8") return [input.name, new ort.Tensor("uint8", new Uint8Array(size), dims)];
    throw new JobError(
      `input "${input.name}" of type ${input.type} cannot be fed: export the model with float inputs`,
      {
        code: "input-unsupported",
      },
    );
  });
  return Object.fromEntries(entries);
}
