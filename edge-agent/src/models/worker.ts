import { AskedChild } from "../process/ask.ts";
import type {
  Compared,
  Inspected,
  InspectRequest,
  ModelNote,
  ModelReply,
  Pruned,
  PruneRequest,
  Quantized,
  QuantizeRequest,
  SensitivityProgress,
  SensitivityRequest,
  To,
  ToModelWorker,
} from "./messages.ts";
import type { ModelProgress } from "./progress.ts";

const SCRIPT = new URL("../../dist/models/child.js", import.meta.url);

function isNote(message: ModelReply | ModelNote): message is ModelNote {
  return message.type === "progress" || message.type === "sensitivityProgress";
}

/** A child that reads models and makes others out of them: it holds ONNX Runtime and the data, and can be ended at any moment. */
export class ModelWorker implements AsyncDisposable {
  readonly #child: AskedChild<ModelReply, ModelNote, ToModelWorker>;

  /** @param cores processors to run on; all unless told */
  constructor(signal: AbortSignal, cores?: readonly number[]) {
    this.#child = new AskedChild<ModelReply, ModelNote, ToModelWorker>({
      name: "model worker",
      script: SCRIPT,
      isNote,
      cores,
      signal,
    });
  }

  /** @throws {JobError} with one line when the file is no model that ONNX Runtime loads */
  inspect(request: InspectRequest): Promise<Inspected> {
    return this.#child.ask({ type: "inspect", ...request }, "inspected");
  }

  quantize(request: To<QuantizeRequest>, onProgress: (progress: ModelProgress) => void): Promise<Quantized> {
    return this.#child.ask({ type: "quantize", ...request }, "quantized", (note) => {
      if (note.type === "progress") onProgress(note);
    });
  }

  prune(request: To<PruneRequest>, onProgress: (progress: ModelProgress) => void): Promise<Pruned> {
    return this.#child.ask({ type: "prune", ...request }, "pruned", (note) => {
      if (note.type === "progress") onProgress(note);
    });
  }

  sensitivity(request: SensitivityRequest, onProgress: (progress: SensitivityProgress) => void): Promise<Compared> {
    return this.#child.ask({ type: "sensitivity", ...request }, "compared", (note) => {
      if (note.type === "sensitivityProgress") onProgress(note);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
