import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { reset } from "./reset.ts";
import type { Direction, LinkCondition } from "./condition.ts";

/** Beyond this the reading side is paused, so that a slow link pushes back as a real one does. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** A throttled link passes bytes at this interval. */
const SLICE_MS = 20;

export interface FlowOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: Direction;
  readonly condition: () => LinkCondition;
  /** Resolves at the next change of the condition. */
  readonly changed: () => Promise<void>;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** Passes the bytes of one direction of a connection, as long as both of its sockets live. */
export function startFlow(options: FlowOptions): void {
  new Flow(options).start();
}

class Flow {
  readonly #options: FlowOptions;
  readonly #queue: { bytes: Buffer; dueMs: number }[] = [];
  #queuedBytes = 0;
  #lastDueMs = 0;
  #ended = false;
  #swallowing = false;
  /** What may still pass before the answer hangs. */
  #untilHang: number | undefined;
  #running = false;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  start(): void {
    const { from } = this.#options;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.once("end", () => {
      this.#ended = true;
      void this.#run();
    });
    from.once("error", () => void this.#break());
  }

  #take(bytes: Buffer): void {
    const { delayMs = 0, jitterMs = 0 } = this.#options.condition();
    const dueMs = performance.now() + delayMs + jitterMs * this.#options.random();
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs);
    this.#queue.push({ bytes, dueMs: this.#lastDueMs });
    this.#queuedBytes += bytes.byteLength;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#options.from.pause();
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { from, to } = this.#options;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      await this.#pass(next.bytes);
      this.#queuedBytes -= next.bytes.byteLength;
      if (this.#queuedBytes <= MAX_QUEUED_BYTES) from.resume();
    }
    this.#running = false;
    if (!this.#ended) return;
    await this.#whileHeld();
    if (!this.#isSilent()) to.end();
  }

  /** The sender is gone without a goodbye, or could never be reached: so is the connection, for a receiver that can hear of it. */
  async #break(): Promise<void> {
    await this.#whileHeld();
    if (!this.#isSilent()) reset(this.#options.to);
  }

  #isSilent(): boolean {
    return this.#swallowing || this.#isSwallowed();
  }

  async #pass(bytes: Buffer): Promise<void> {
    let rest = bytes;
    while (rest.byteLength > 0) {
      await this.#whileHeld();
      if (this.#isSwallowed()) this.#swallowing = true;
      if (this.#swallowing || this.#options.to.destroyed) return;
      const { bytesPerS } = this.#options.condition();
      const most = bytesPerS === undefined ? rest.byteLength : Math.ceil((bytesPerS * SLICE_MS) / 1000);
      const part = rest.subarray(0, Math.min(most, this.#beforeHang()));
      rest = rest.subarray(part.byteLength);
      await this.#write(part);
      if (this.#untilHang === 0) this.#swallowing = true;
      if (bytesPerS !== undefined) await sleep(SLICE_MS);
    }
  }

  #beforeHang(): number {
    const { hangAfterBytes } = this.#options.condition();
    if (this.#options.direction === "up" || hangAfterBytes === undefined) this.#untilHang = undefined;
    else this.#untilHang ??= hangAfterBytes;
    return this.#untilHang ?? Infinity;
  }

  async #write(part: Buffer): Promise<void> {
    const { to } = this.#options;
    if (this.#untilHang !== undefined) this.#untilHang -= part.byteLength;
    if (part.byteLength === 0 || to.write(part)) return;
    const gone = new AbortController();
    to.once("close", () => gone.abort());
    await once(to, "drain", { signal: gone.signal }).catch(() => {});
  }

  async #whileHeld(): Promise<void> {
    const { condition, changed, direction, to } = this.#options;
    while (condition().hold?.includes(direction) === true && !to.destroyed) await changed();
  }

  #isSwallowed(): boolean {
    return this.#options.condition().swallow?.includes(this.#options.direction) === true;
  }
}
