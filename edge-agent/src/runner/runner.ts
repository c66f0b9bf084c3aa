import { AskedChild } from "../process/ask.ts";
import type {
  Accuracy,
  AccuracyRequest,
  Loaded,
  LoadRequest,
  Memory,
  RunnerNote,
  RunnerReply,
  SessionOptions,
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

interface RunnerOptions {
  readonly cores: readonly number[] | undefined;
  readonly signal: AbortSignal;
}

type RunnerChild = AskedChild<RunnerReply, RunnerNote, ToRunner>;

function openChild(options: RunnerOptions): RunnerChild {
  return new AskedChild<RunnerReply, RunnerNote, ToRunner>({ name: "runner", script: SCRIPT, isNote, ...options });
}

/** A runner child with one model loaded; calls do not overlap, and any of them rejects when the child ends. */
export class Runner implements AsyncDisposable {
  readonly #child: RunnerChild;

  private constructor(child: RunnerChild) {
    this.#child = child;
  }

  /** What ONNX Runtime takes for its first session, whatever the model, 10^6 bytes; in a process of its own that ends with it. */
  static async firstSessionMb(request: SessionOptions, options: RunnerOptions): Promise<number> {
    await using child = openChild(options);
    const { sessionMb } = await child.ask({ type: "firstSession", ...request }, "firstSession");
    return sessionMb;
  }

  /** Starts a fresh process and loads a model in it. @throws {JobError} when the model does not load */
  static async load(request: LoadRequest, options: RunnerOptions): Promise<{ runner: Runner; loaded: Loaded }> {
    const child = openChild(options);
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
