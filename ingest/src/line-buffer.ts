import type { LineBlock } from "./line-block.ts";
import type { Line } from "@edgewatt/database";

const FIRST_BYTES = 1024 * 1024;

/**
 * The lines of one write as the bytes that go on the wire. Telemetry waits in this form, outside of V8's heap, where millions of
 * small strings would keep its garbage collector busier than everything else; for the same reason a buffer is used again.
 */
export class LineBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #used = 0;
  /** Where each line ends, in UTF-16 units of the whole text. */
  #ends: number[] = [];
  #units = 0;

  /** How many lines. */
  get count(): number {
    return this.#ends.length;
  }

  /** The text, until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  /** The same as a string, made anew each time. */
  get text(): string {
    return this.#bytes.toString("utf8", 0, this.#used);
  }

  /** @param size bytes of the block's text */
  append({ text, ends }: LineBlock, size: number): void {
    if (this.#used + size > this.#bytes.byteLength) this.#grow(this.#used + size);
    this.#used += this.#bytes.write(text, this.#used);
    for (const end of ends) this.#ends.push(this.#units + end);
    this.#units += text.length;
  }

  /** The lines one by one, without their line breaks. */
  lines(): Line[] {
    const { text } = this;
    return this.#ends.map((end, index) => text.slice(this.#ends[index - 1] ?? 0, end - 1));
  }

  clear(): void {
    this.#used = 0;
    this.#units = 0;
    this.#ends.length = 0;
    // One write was larger than any should be.
    if (this.#bytes.byteLength > FIRST_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.byteLength * 2));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}
