import { WASI } from "node:wasi";
import { DeviceError } from "../errors.ts";

/*
 * The sampling loop's own way to the clock. Every figure with fractions that a function of Node.js returns is a new object on
 * V8's heap, `performance.now()` included; `clock_time_get` of WASI writes into memory instead. Figures: docs/decisions/0012.
 */

/** CLOCK_MONOTONIC in WASI's numbering (preview 1, `clockid`). */
const MONOTONIC = 1;
/** Where the call puts its 64 bits of nanoseconds: two words, the low one first (WebAssembly is little-endian). */
const AT = 0;
/** Clock, precision that would do (1 ns), address. */
const ARGUMENTS = [MONOTONIC, 1n, AT] as const;
const HIGH_WORD = 2 ** 32;
const NS_PER_US = 1000;

/** TypeScript knows it as a part of browsers only. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

const memory = new WebAssembly.Memory({ initial: 1 });
const wasi = new WASI({ version: "preview1" });
// A module is not needed: only its memory is ever used.
wasi.initialize({ exports: { memory } });
const words = new Uint32Array(memory.buffer, AT, 2);
const clockTimeGet = wasi.wasiImport["clock_time_get"] as (...args: typeof ARGUMENTS) => number;

if (clockTimeGet(...ARGUMENTS) !== 0) {
  throw new DeviceError("this Node.js does not tell CLOCK_MONOTONIC through node:wasi: use another version", {
    code: "clock-missing",
  });
}

/**
 * CLOCK_MONOTONIC in µs with fractions, as `monotonicUs` of `process/monotonic.ts` tells it. Arguments are spread, since V8
 * before 13 compiles a direct call for numbers, meets the BigInt and goes back to slow code, again and again.
 */
export function sampledMonotonicUs(): number {
  clockTimeGet(...ARGUMENTS);
  return ((words[1] as number) * HIGH_WORD + (words[0] as number)) / NS_PER_US;
}
