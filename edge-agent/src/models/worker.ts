import { AskedChild } from "../process/ask.ts";
import type {
  Inspected,
  InspectRequest,
  ModelProgress,
  ModelReply,
  Quantized,
  QuantizeRequest,
  ToModelWorker,
} from "./messages.ts";

const SCRIPT = new URL("../../dist/models/child.js", import.meta.url);

function isNote(message: ModelReply | ModelProgress): message is ModelProgress {
  return message.type === "progress";
}

/** A child that reads and quantizes models: it holds ONNX Runtime and the data, and can be ended at any moment. */
export class ModelWorker implements AsyncDisposable {
  readonly #child: AskedChild<ModelReply, ModelProgress, ToModelWorker>;

  constructor(signal: AbortSignal) {
    this.#child = new AskedChild<ModelReply, ModelProgress, ToModelWorker>({
      name: "model worker",
      script: SCRIPT,
      isNote,
      signal,
    });
  }

  /** @throws {JobError} with one line when the file is no model that ONNX Runtime loads */
  inspect(request: InspectRequest): Promise<Inspected> {
    return this.#child.ask({ type: "inspect", ...request }, "inspected");
  }

  quantize(request: QuantizeRequest, onProgress: (progress: ModelProgress) => void): Promise<Quantized> {
    return this.#child.ask({ type: "quantize", ...request }, "quantized", onProgress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
