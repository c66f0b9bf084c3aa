import "./no-telemetry.ts";
import * as ort from "onnxruntime-node";
import { firstLineOf, ModelError, throwIfCanceled } from "./errors.ts";
import type { ModelProto } from "./proto.ts";
import { serializeModel } from "./writer.ts";

/** A dense tensor as it goes in and comes out of a session. */
export interface TensorValue {
  readonly type: ort.Tensor.Type;
  readonly dims: readonly number[];
  readonly data: ort.Tensor.DataType;
}

/** Name, element type and shape of an input or output; a dynamic side is a name, or '' where it has none. */
export interface ValueDescription {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface OpenSessionOptions {
  /** Threads inside an operator; 0, the default, lets ONNX Runtime take one for each core. */
  readonly threads?: number;
  /** `disabled` runs the nodes as they are in the file; the default `all` is what a deployed model gets. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /** Where ONNX Runtime writes the graph that it really runs. */
  readonly optimizedModelPath?: string;
  /** Fuse int8 activations as ONNX Runtime does on arm64 (`session.qdqisint8allowed`); on x64 they stay float otherwise. */
  readonly int8Activations?: boolean;
  /** Compute in float between QuantizeLinear and DequantizeLinear (`session.disable_quant_qdq`): nodes beside them stay in float too. */
  readonly simulateQuantization?: boolean;
  /**
   * Plan one block of memory for all tensors of a batch (ONNX Runtime's memory pattern), as it does unless told: hardly faster, and
   * it takes as much again.
   */
  readonly memoryPattern?: boolean;
  /** What error messages call the model, when it is not given by its path. */
  readonly name?: string;
}

/** A loaded model; `run` blocks the event loop for the time of the inference, as the binding is synchronous. */
export interface Session extends AsyncDisposable {
  readonly inputs: readonly ValueDescription[];
  readonly outputs: readonly ValueDescription[];
  /** Runs one batch; resolves with all outputs, or only those that `outputs` names. */
  run(
    feeds: Readonly<Record<string, TensorValue>>,
    outputs?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Record<string, TensorValue>>;
  close(): Promise<void>;
}

/**
 * Loads a model into ONNX Runtime on the CPU.
 * @param model a path (external data is found beside it), a model in memory, or its bytes
 * @throws ModelError with one line when ONNX Runtime refuses the model
 */
export async function openSession(
  model: string | ModelProto | Uint8Array,
  options: OpenSessionOptions = {},
): Promise<Session> {
  const name = options.name ?? (typeof model === "string" ? model : "the model");
  return wrapSession(await createSession(model, sessionSettings(options), name), name);
}

/** @throws ModelError with one line when ONNX Runtime refuses the model */
export async function createSession(
  model: string | ModelProto | Uint8Array,
  settings: ort.InferenceSession.SessionOptions,
  name: string,
): Promise<ort.InferenceSession> {
  try {
    if (typeof model === "string") return await ort.InferenceSession.create(model, settings);
    return await ort.InferenceSession.create(model instanceof Uint8Array ? model : serializeModel(model), settings);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`ONNX Runtime cannot load ${name}: check that it is a valid ONNX model (${reasonOf(error)})`, {
      code: "model-not-loadable",
      context: { model: name },
      cause: error,
    });
  }
}

/** What ONNX Runtime is told for the options. */
export function sessionSettings(options: OpenSessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: options.optimization ?? "all",
    // 4 = fatal only: what fails is reported by the exception, and a second line on stderr would tear a progress display.
    logSeverityLevel: 4,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(options.memoryPattern === undefined ? {} : { enableMemPattern: options.memoryPattern }),
    ...(options.optimizedModelPath === undefined ? {} : { optimizedModelFilePath: options.optimizedModelPath }),
    extra: {
      session: {
        // Threads that spin while they wait starve whatever else runs on a small machine: with both cores busy a
        // quantization took three times as long.
        intra_op: { allow_spinning: "0" },
        ...(options.int8Activations === true ? { qdqisint8allowed: "1" } : {}),
        ...(options.simulateQuantization === true ? { disable_quant_qdq: "1" } : {}),
      },
    },
  };
}

/** A session of the binding with the interface of this package. */
export function wrapSession(session: ort.InferenceSession, name: string): Session {
  const close = async (): Promise<void> => {
    await session.release();
  };
  return {
    inputs: session.inputMetadata.map(describeValue),
    outputs: session.outputMetadata.map(describeValue),
    async run(feeds, outputs, signal) {
      throwIfCanceled(signal, `running ${name}`);
      const tensors = Object.entries(feeds).map(([key, value]): [string, ort.Tensor] => [
        key,
        new ort.Tensor(value.type, value.data, value.dims),
      ]);
      try {
        const results = await session.run(Object.fromEntries(tensors), outputs ?? session.outputNames);
        return Object.fromEntries(Object.entries(results).map(([key, tensor]) => [key, readTensor(tensor)]));
      } catch (error) {
        throw new ModelError(
          `ONNX Runtime failed to run ${name}: check that the data fits its inputs (${reasonOf(error)})`,
          {
            code: "run-failed",
            context: { model: name },
            cause: error,
          },
        );
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Some errors of ONNX Runtime begin with the place in its own source, which helps no user. */
function reasonOf(error: unknown): string {
  return firstLineOf(error).replace(/^\/onnxruntime_src\/\S+ .*?\) /, "");
}

function readTensor(tensor: ort.Tensor): TensorValue {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data };
}

function describeValue(metadata: ort.InferenceSession.ValueMetadata): ValueDescription {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: "non-tensor", shape: [] };
}
