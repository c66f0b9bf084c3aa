import type I2cBusAddon from "i2c-bus";
import type { I2CBus as NativeBus } from "i2c-bus";
import { DeviceError } from "../errors.ts";
import type { I2cBus } from "./bus.ts";

const MISSING =
  "the optional dependency i2c-bus is not installed, or not for this Node.js: install a C++ compiler (apt-get install build-essential) and run `npm ci` again";

/** SMBus sends the low byte of a word first, the chips their high byte. */
function swap(word: number): number {
  return ((word & 0xff) << 8) | ((word >> 8) & 0xff);
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
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
 * The kernel's I²C bus through the addon i2c-bus, which loads in one thread of one process at a time. A failed access
 * drops the native bus: after a failed address selection the addon would go on with a descriptor that talks to address 0,
 * the general call, which resets chips.
 * @throws {DeviceError} code `i2c-bus-missing` when the addon is not built
 */
export async function openLinuxBus(busNumber: number): Promise<I2cBus> {
  const addon = await loadAddon();
  const path = `/dev/i2c-${busNumber}`;
  let native: NativeBus | undefined;

  const drop = () => {
    // The asynchronous close() of the addon leaves its cache of descriptors behind; closeSync() empties it.
    native?.closeSync();
    native = undefined;
  };
  const access = <T>(address: number, register: number, transfer: (bus: NativeBus) => T): T => {
    native ??= addon.openSync(busNumber);
    try {
      return transfer(native);
    } catch (cause) {
      drop();
      const at = `at ${hex(address)} register ${hex(register)} of ${path}`;
      const fault = faultOf(errorName(cause), path, at);
      throw new DeviceError(fault.message, {
        code: fault.code,
        retryable: true,
        context: { bus: busNumber, address, register },
        cause,
      });
    }
  };

  return {
    readWord: (address, register) => swap(access(address, register, (bus) => bus.readWordSync(address, register))),
    writeWord: (address, register, value) =>
      access(address, register, (bus) => bus.writeWordSync(address, register, swap(value))),
    [Symbol.dispose]: drop,
  };
}

async function loadAddon(): Promise<typeof I2cBusAddon> {
  try {
    const addon = await import("i2c-bus");
    return addon.default;
  } catch (cause) {
    throw new DeviceError(`cannot use I2C: ${MISSING}`, { code: "i2c-bus-missing", cause });
  }
}
