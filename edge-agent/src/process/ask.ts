import { JobError } from "../errors.ts";
import { forkChild, type Child, type ChildOptions } from "./child.ts";

interface Failed {
  readonly type: "failed";
  readonly code: string;
  readonly message: string;
}

interface Message {
  readonly type: string;
}

/**
 * A child that answers one request at a time, and may send notes in between. Every call rejects when the child fails,
 * ends, or the signal aborts, which ends the child.
 */
export class AskedChild<
  Reply extends Message,
  Note extends Message,
  Request extends Message,
> implements AsyncDisposable {
  readonly #child: Child<Reply | Note | Failed, Request>;
  readonly #name: string;
  readonly #isNote: (message: Reply | Note) => message is Note;
  #waiting: { resolve: (message: Reply | Failed) => void; reject: (error: unknown) => void } | undefined;
  #onNote: ((note: Note) => void) | undefined;
  #ended: Error | undefined;

  constructor(options: ChildOptions & { signal: AbortSignal; isNote: (message: Reply | Note) => message is Note }) {
    const { signal, isNote } = options;
    signal.throwIfAborted();
    this.#name = options.name;
    this.#isNote = isNote;
    const child = forkChild<Reply | Note | Failed, Request>(options);
    this.#child = child;
    child.onMessage((message) => this.#receive(message));
    const onAbort = () => {
      this.#waiting?.reject(signal.reason);
      void child.kill();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    void this.#watch(() => signal.removeEventListener("abort", onAbort));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async #watch(onEnd: () => void): Promise<void> {
    const error = await this.#child.ended;
    onEnd();
    this.#ended = error ?? new JobError(`the ${this.#name} was stopped`, { code: "stopped" });
    this.#waiting?.reject(this.#ended);
  }

  /** @throws {JobError} with the child's code and message when it failed */
  async ask<T extends Reply["type"]>(
    request: Request,
    reply: T,
    onNote?: (note: Note) => void,
  ): Promise<Extract<Reply, { type: T }>> {
    if (this.#ended !== undefined) throw this.#ended;
    this.#onNote = onNote;
    const answer = await new Promise<Reply | Failed>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send(request);
    });
    if (isFailed(answer)) throw new JobError(answer.message, { code: answer.code });
    if (answer.type !== reply) {
      throw new JobError(`the ${this.#name} answered "${answer.type}" to "${request.type}"`, { code: "internal" });
    }
    return answer as Extract<Reply, { type: T }>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.kill();
  }

  #receive(message: Reply | Note | Failed): void {
    if (!isFailed(message) && this.#isNote(message)) {
      this.#onNote?.(message);
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(message);
  }
}

function isFailed(message: Message): message is Failed {
  return message.type === "failed";
}
