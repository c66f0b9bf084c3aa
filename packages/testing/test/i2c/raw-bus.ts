import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SimulatedBus } from "@edgewatt/testing";

/** Where Node.js finds the addon i2c-bus. */
const AGENT = fileURLToPath(new URL("../../../../edge-agent", import.meta.url));

/** Answers lines of JSON lists of steps with lines of JSON lists of what each gave. */
const SCRIPT = `
import i2c from "i2c-bus";
import { createInterface } from "node:readline";
let bus = i2c.openSync(Number(process.argv[1]));
const swap = (word) => ((word & 0xff) << 8) | (word >> 8);
const nowUs = () => Number(process.hrtime.bigint()) / 1000;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const steps = {
  word: (address, register) => swap(bus.readWordSync(address, register)),
  setWord: (address, register, value) => void bus.writeWordSync(address, register, swap(value)),
  wide(address, register, bytes) {
    const buffer = Buffer.alloc(bytes);
    bus.readI2cBlockSync(address, register, bytes, buffer);
    return buffer.readUIntBE(0, bytes);
  },
  byte: (address, register) => bus.readByteSync(address, register),
  receive: (address) => bus.receiveByteSync(address),
  plain(address, bytes) {
    const buffer = Buffer.alloc(bytes);
    bus.i2cReadSync(address, bytes, buffer);
    return buffer.readUIntBE(0, bytes);
  },
  send: (address, bytes) => void bus.i2cWriteSync(address, bytes.length, Buffer.from(bytes)),
  scan: () => bus.scanSync(),
  funcs: () => ({ ...bus.i2cFuncsSync() }),
  sleep: (ms) => Atomics.wait(sleeper, 0, 0, ms),
  now: nowUs,
  until(address, register, mask) {
    while ((steps.word(address, register) & mask) === 0);
    return nowUs();
  },
  times: (count, list) => Array.from({ length: count }, () => list.map(run)),
};
function run([name, ...parameters]) {
  try {
    return steps[name](...parameters) ?? null;
  } catch (error) {
    bus.closeSync();
    bus = i2c.openSync(Number(process.argv[1]));
    return error.code || String(error.errno);
  }
}
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(JSON.parse(line).map(run)));
`;

export type Step =
  | readonly [name: "word" | "byte", address: number, register: number]
  | readonly [name: "setWord", address: number, register: number, value: number]
  /** A register of several bytes by one block read. */
  | readonly [name: "wide", address: number, register: number, bytes: number]
  | readonly [name: "receive", address: number]
  /** Bytes without a register: from the one that the chip's pointer is at. */
  | readonly [name: "plain", address: number, bytes: number]
  | readonly [name: "send", address: number, bytes: readonly number[]]
  | readonly [name: "scan" | "funcs" | "now"]
  | readonly [name: "sleep", ms: number]
  /** Reads a word until one of the masked bits is set, and says when that was. */
  | readonly [name: "until", address: number, register: number, mask: number]
  | readonly [name: "times", count: number, steps: readonly Step[]];

/** The addon i2c-bus by itself, in a process that sees the simulated bus. A failed step gives the name of its error. */
export class RawBus implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  constructor({ bus, env }: SimulatedBus) {
    this.#child = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT, String(bus)], {
      cwd: AGENT,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Runs the steps one after another without a pause. */
  async run<T = number>(...steps: readonly Step[]): Promise<T[]> {
    this.#child.stdin.write(`${JSON.stringify(steps)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new RangeError("the process on the simulated bus has ended");
    return JSON.parse(value) as T[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode === null) {
      this.#child.stdin.end();
      await ended;
    }
  }
}
