import type I2cBusAddon from "i2c-bus";
import type { I2CBus as NativeBus } from "i2c-bus";
import { DeviceError } from "../errors.ts";
import type { I2cBus } from "./bus.ts";
import { hex } from "./hex.ts";

const MISSING =
  "the optional dependency i2c-bus is not installed, or not for this Node.js: install a C++ compiler (apt-get install build-essential) and run `npm ci` again";

/** SMBus sends the low byte of a word first, the chips their high byte. */
function swap(word: number): number {
  return ((word & 0xff) << 8) | ((word >> 8) & 0xff);
}

/** What a missing chip gives on a Pi's adapter (errno(3)); Node has no name for it and leaves the code empty. */
const EREMOTEIO = 121;

function errorName(error: unknown): string {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (errno === EREMOTEIO) return "EREMOTEIO";
  return code === undefined || code === "" ? String(error) : code;
}

function faultOf(code: string, path: string, at: string): { code: string; message: string } {
  switch (code) {
    case "ENOENT":
      return { code: "bus-absent", message: `${path} does not exist: enable I2C (raspi-config) or set another bus` };
    case "EACCES":
      return { code: "bus-refused", message: `${path} may not be opened: add this user to the group i2c` };
    case "ENODEV":
    case "ENXIO":
    case "EREMOTEIO":
      return { code: "no-answer", message: `nothing answers ${at}: check address, wiring and power of the chip` };
    case "EBUSY":
      return {
        code: "address-busy",
        message: `a kernel driver owns the chip ${at}: read it through hwmon or unload the driver`,
      };
    default:
      return { code: "bus-error", message: `the transfer ${at} failed (${code}): check wiring and bus speed` };
  }
}

/**
 * The kernel's I²C bus. A failed access drops the native bus: after a failed address selection the addon would go on with a
 * descriptor that talks to address 0, the general call, which resets chips. Accesses create no closures, so that the
 * sampling loop allocates nothing.
 */
class LinuxI2cBus implements I2cBus {
  readonly #addon: typeof I2cBusAddon;
  readonly #busNumber: number;
  #native: NativeBus | undefined;

  constructor(addon: typeof I2cBusAddon, busNumber: number) {
    this.#addon = addon;
    this.#busNumber = busNumber;
  }

  readWord(address: number, register: number): number {
    this.#native ??= this.#addon.openSync(this.#busNumber);
    try {
      return swap(this.#native.readWordSync(address, register));
    } catch (cause) {
      throw this.#failed(address, register, cause);
    }
  }

  writeWord(address: number, register: number, value: number): void {
    this.#native ??= this.#addon.openSync(this.#busNumber);
    try {
      this.#native.writeWordSync(address, register, swap(value));
    } catch (cause) {
      throw this.#failed(address, register, cause);
    }
  }

  /** An "I2C block" and no SMBus block, whose length byte the chips do not send and which a Pi 5's adapter does not read. */
  readBlock(address: number, register: number, into: Buffer): void {
    this.#native ??= this.#addon.openSync(this.#busNumber);
    let got: number;
    try {
      got = this.#native.readI2cBlockSync(address, register, into.length, into);
    } catch (cause) {
      throw this.#failed(address, register, cause);
    }
    if (got !== into.length) throw this.#failed(address, register, `${got} of ${into.length} bytes`);
  }

  #failed(address: number, register: number, cause: unknown): DeviceError {
    this[Symbol.dispose]();
    const path = `/dev/i2c-${this.#busNumber}`;
    const at = `at ${hex(address)} register ${hex(register)} of ${path}`;
    const { code, message } = faultOf(errorName(cause), path, at);
    return new DeviceError(message, {
      code,
      retryable: true,
      context: { bus: this.#busNumber, address, register },
      cause,
    });
  }

  [Symbol.dispose](): void {
    // The asynchronous close() of the addon leaves its cache of descriptors behind; closeSync() empties it.
    this.#native?.closeSync();
    this.#native = undefined;
  }
}

/**
 * The bus through the addon i2c-bus, which loads in one thread of one process at a time.
 * @throws {DeviceError} code `i2c-bus-missing` when the addon is not built
 */
export async function openLinuxBus(busNumber: number): Promise<I2cBus> {
  return new LinuxI2cBus(await loadAddon(), busNumber);
}

async function loadAddon(): Promise<typeof I2cBusAddon> {
  try {
    const addon = await import("i2c-bus");
    return addon.default;
  } catch (cause) {
    throw new DeviceError(`cannot use I2C: ${MISSING}`, { code: "i2c-bus-missing", cause });
  }
}
