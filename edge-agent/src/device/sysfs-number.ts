import { closeSync, openSync, readSync } from "node:fs";
import { systemErrorCode } from "@edgewatt/runtime/process";
import { DeviceError } from "../errors.ts";

const LENGTH = 32;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * A whole number that the kernel writes into a file of `/sys`, kept open: each read asks the driver again, and allocates
 * nothing.
 */
export class SysfsNumber implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  readonly #text = Buffer.alloc(LENGTH);

  /** @throws {DeviceError} as {@link read} */
  constructor(path: string) {
    this.#path = path;
    this.#fd = this.#access(() => openSync(path, "r"));
  }

  /** @throws {DeviceError} `sysfs-refused`, `sysfs-gone`, or `sysfs-failed` when the driver could not reach its chip */
  read(): number {
    const bytes = this.#access(() => readSync(this.#fd, this.#text, 0, LENGTH, 0));
    const negative = this.#text[0] === MINUS;
    let value = 0;
    let digits = 0;
    for (let i = negative ? 1 : 0; i < bytes; i++) {
      const byte = this.#text[i] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + byte - ZERO;
      digits += 1;
    }
    if (digits > 0) return negative ? -value : value;
    throw new DeviceError(`${this.#path} holds no number: check what its driver is`, {
      code: "sysfs-failed",
      context: { path: this.#path },
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #access<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw faultOf(this.#path, systemErrorCode(cause), cause);
    }
  }
}

function faultOf(path: string, errno: string, cause: unknown): DeviceError {
  const details = { context: { path, errno }, cause };
  if (errno === "EACCES" || errno === "EPERM") {
    return new DeviceError(`${path} may not be read by this user`, { ...details, code: "sysfs-refused" });
  }
  if (errno === "ENOENT" || errno === "ENODEV") {
    return new DeviceError(`${path} is gone: was its driver unloaded?`, {
      ...details,
      code: "sysfs-gone",
      retryable: true,
    });
  }
  return new DeviceError(`reading ${path} failed (${errno}): check wiring and power of the chip`, {
    ...details,
    code: "sysfs-failed",
    retryable: true,
  });
}
