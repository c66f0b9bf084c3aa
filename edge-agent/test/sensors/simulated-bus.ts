import { DeviceError } from "../../src/errors.ts";
import type { I2cBus } from "../../src/i2c/bus.ts";
import { emptyReading, type Reading, type Sensor, type SensorHost } from "../../src/sensors/sensor.ts";

/** A chip as the bus sees it: registers of one to five bytes, whose value is what is on the wire, high byte first. */
export interface SimulatedChip {
  read(register: number): number;
  write(register: number, value: number): void;
}

/** An I²C bus in memory. */
class SimulatedBus implements I2cBus {
  readonly chips = new Map<number, SimulatedChip>();
  /** Codes of faults that accesses to an address fail with. */
  readonly faults = new Map<number, string>();
  /** `[address, register, value]` of every write, in order. */
  readonly writes: [number, number, number][] = [];
  reads = 0;
  disposals = 0;

  #chip(address: number): SimulatedChip {
    const fault = this.faults.get(address);
    const chip = this.chips.get(address);
    if (fault === undefined && chip !== undefined) return chip;
    throw new DeviceError(`at 0x${address.toString(16)}`, { code: fault ?? "no-answer", retryable: true });
  }

  readWord(address: number, register: number): number {
    this.reads += 1;
    return this.#chip(address).read(register) & 0xffff;
  }

  writeWord(address: number, register: number, value: number): void {
    this.#chip(address).write(register, value);
    this.writes.push([address, register, value]);
  }

  readBlock(address: number, register: number, into: Buffer): void {
    this.reads += 1;
    into.writeUIntBE(this.#chip(address).read(register), 0, into.length);
  }

  [Symbol.dispose](): void {
    this.disposals += 1;
  }
}

/** A machine with one bus and a clock that the test moves. */
export class SimulatedHost implements SensorHost {
  readonly bus = new SimulatedBus();
  readonly root = "/nowhere";
  nowUs = 1_000_000;

  readonly openI2cBus = () => Promise.resolve(this.bus);
  readonly monotonicUs = () => this.nowUs;
}

/** The readings of all channels; fails when there is none. */
export function readAll(sensor: Sensor): Reading[] {
  const readings = sensor.channels.map(emptyReading);
  if (!sensor.read(readings)) throw new RangeError("no conversion has ended");
  return readings;
}

/** The reading of a meter with one channel. */
export function readOne(sensor: Sensor): Reading {
  const [reading] = readAll(sensor);
  if (reading === undefined) throw new RangeError("no channel");
  return reading;
}

/** Code of the fault that a reading is lost to, that of the whole meter or that of the first channel which has one. */
export function faultOf(sensor: Sensor): string {
  try {
    const lost = readAll(sensor).find(({ fault }) => fault !== undefined);
    if (lost?.fault !== undefined) return lost.fault.code;
  } catch (error) {
    if (error instanceof DeviceError) return error.code;
    throw error;
  }
  throw new RangeError("no fault");
}
