import type { Logger } from "@edgewatt/runtime";
import { ownerOf } from "./rendezvous.ts";

/** Answers that are remembered; a fleet is smaller, and a peer can invent device ids without end. */
const MAX_REMEMBERED = 10_000;

/** Which devices are ours. Without word of others all are. */
export class Share {
  #id: string;
  #log: Logger;
  #others: readonly string[] = [];
  #remembered = new Map<string, boolean>();

  constructor(id: string, log: Logger) {
    this.#id = id;
    this.#log = log;
  }

  /** Sets the other live instances; returns whether that changed anything. */
  setOthers(others: readonly string[]): boolean {
    const sorted = [...others].sort();
    if (sorted.join() === this.#others.join()) return false;
    this.#others = sorted;
    this.#remembered.clear();
    this.#log.info({ others: sorted }, "the fleet is shared with these instances from now on");
    return true;
  }

  owns(device: string): boolean {
    if (this.#others.length === 0) return true;
    let own = this.#remembered.get(device);
    if (own === undefined) {
      own = ownerOf(device, [this.#id, ...this.#others]) === this.#id;
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(device, own);
    }
    return own;
  }
}
