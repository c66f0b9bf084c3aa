import { AskedChild } from "../process/ask.ts";
import type {
  Accuracy,
  AccuracyRequest,
  Loaded,
  LoadRequest,
  Memory,
  RunnerNote,
  RunnerReply,
  ToRunner,
  Warm,
  WarmUpRequest,
  WindowRequest,
  WindowResult,
} from "./messages.ts";

const SCRIPT = new URL("../../dist/runner/child.js", import.meta.url);

function isNote(message: RunnerReply | RunnerNote): message is RunnerNote {
  return message.type === "windowStarts" || message.type === "progress";
}

/** A runner child with one model loaded; calls do not overlap, and any of them rejects when the child ends. */
export class Runner implements AsyncDisposable {
  readonly #child: AskedChild<RunnerReply, RunnerNote, ToRunner>;

  private constructor(child: AskedChild<RunnerReply, RunnerNote, ToRunner>) {
    this.#child = child;
  }

  /** Starts a fresh process and loads a model in it. @throws {JobError} when the model does not load */
  static async load(
    request: LoadRequest,
    options: { cores: readonly number[] | undefined; signal: AbortSignal },
  ): Promise<{ runner: Runner; loaded: Loaded }> {
    const child = new AskedChild<RunnerReply, RunnerNote, ToRunner>({
      name: "runner",
      script: SCRIPT,
      isNote,
      ...options,
    });
    try {
      return { loaded: await child.ask({ type: "load", ...request }, "loaded"), runner: new Runner(child) };
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  warmUp(request: WarmUpRequest): Promise<Warm> {
    return this.#child.ask({ type: "warmUp", ...request }, "warm");
  }

  /** One measured window; `onStart` is told right before its first run. */
  window(request: WindowRequest, onStart: () => void): Promise<WindowResult> {
    return this.#child.ask({ type: "window", ...request }, "window", onStart);
  }

  /** What the process holds now; not for the time of a window. */
  memory(): Promise<Memory> {
    return this.#child.ask({ type: "memory" }, "memory");
  }

  accuracy(request: AccuracyRequest, onProgress: (share: number) => void): Promise<Accuracy> {
    return this.#child.ask({ type: "accuracy", ...request }, "accuracy", (note) => {
      if (note.type === "progress") onProgress(note.share);
    });
  }

  /** The runner's process. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
