import type { SimulatedChip } from "./simulated-bus.ts";

/** What flows through a shunt. */
export interface Flow {
  readonly volts: number;
  readonly amps: number;
  readonly shuntOhm: number;
}

/** A power monitor that converts when it is told to. */
export interface SimulatedMonitor extends SimulatedChip {
  /** One conversion of all its inputs, in order; the last is the default for the others. */
  convert(...flows: readonly Flow[]): void;
  /** Loses its supply. */
  reset(): void;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}

/** A value in two's complement of so many bits. */
export function signed(value: number, bits: number): number {
  return value < 0 ? value + 2 ** bits : value;
}

/** Plain registers that keep what is written. */
export class SimulatedMemory implements SimulatedChip {
  readonly words = new Map<number, number>([[0, 0x399f]]);

  read(register: number): number {
    return this.words.get(register) ?? 0;
  }

  write(register: number, value: number): void {
    this.words.set(register, value);
  }
}
