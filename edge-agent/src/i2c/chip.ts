import { DeviceError } from "../errors.ts";
import type { I2cBus, OpenI2cBus } from "./bus.ts";
import { hex } from "./hex.ts";

/** Where a chip is and what it is called in messages: `INA219` at 0x40 of `/dev/i2c-1`. */
export interface ChipLocation {
  readonly name: string;
  readonly bus: number;
  readonly address: number;
}

/** One chip on a bus of its own descriptors, and the words for its faults. Its accesses allocate nothing. */
export class I2cChip implements Disposable {
  readonly location: ChipLocation;
  readonly #bus: I2cBus;

  constructor(bus: I2cBus, location: ChipLocation) {
    this.#bus = bus;
    this.location = location;
  }

  /** @throws {DeviceError} as {@link I2cBus.readWord}, and so do the others */
  readWord(register: number): number {
    return this.#bus.readWord(this.location.address, register);
  }

  /** A word in two's complement. */
  readSigned(register: number): number {
    return (this.readWord(register) << 16) >> 16;
  }

  readBlock(register: number, into: Buffer): void {
    this.#bus.readBlock(this.location.address, register, into);
  }

  writeWord(register: number, value: number): void {
    this.#bus.writeWord(this.location.address, register, value);
  }

  /** Writes a register that holds what is written. @throws {DeviceError} code `set-up` too, when it does not read back */
  set(register: number, value: number): void {
    this.writeWord(register, value);
    const readBack = this.readWord(register);
    if (readBack === value) return;
    throw this.fault(
      "set-up",
      `register ${hex(register)} reads back as ${hex(readBack)} and not ${hex(value)}: check wiring, and that nobody else sets it up`,
    );
  }

  /** A fault that costs one reading. */
  fault(code: string, what: string): DeviceError {
    const { name, bus, address } = this.location;
    return new DeviceError(`${name} at ${hex(address)} of /dev/i2c-${bus}: ${what}`, {
      code,
      retryable: true,
      context: { bus, address },
    });
  }

  [Symbol.dispose](): void {
    this.#bus[Symbol.dispose]();
  }
}

/** Opens the bus and lets `start` identify and set up the chip; the bus is closed again when that fails. */
export async function openChip(
  location: ChipLocation,
  openBus: OpenI2cBus,
  start: (chip: I2cChip, bus: I2cBus) => void,
): Promise<I2cChip> {
  const bus = await openBus(location.bus);
  const chip = new I2cChip(bus, location);
  try {
    start(chip, bus);
  } catch (error) {
    chip[Symbol.dispose]();
    throw error;
  }
  return chip;
}
