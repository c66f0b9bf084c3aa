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

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}

/** A value in two's complement of so many bits. */
function signed(value: number, bits: number): number {
  return value < 0 ? value + 2 ** bits : value;
}

/** INA219: SBOS448G, section 8.6; results by figure 26 and equations 4 and 5. */
export class SimulatedIna219 implements SimulatedMonitor {
  configuration = 0x399f;
  calibration = 0;
  shunt = 0;
  bus = 0;
  ready = false;

  reset(): void {
    this.configuration = 0x399f;
    this.calibration = 0;
  }

  get current(): number {
    return Math.trunc((this.shunt * this.calibration) / 4096);
  }

  get power(): number {
    return Math.trunc((Math.abs(this.current) * this.bus) / 5000);
  }

  convert({ volts, amps, shuntOhm }: Flow): void {
    const steps = 4000 * 2 ** ((this.configuration >> 11) & 3);
    this.shunt = clamp((amps * shuntOhm) / 10e-6, -steps, steps);
    this.bus = clamp(volts / 0.004, 0, (this.configuration & 0x2000) === 0 ? 4000 : 8000);
    this.ready = true;
  }

  read(register: number): number {
    switch (register) {
      case 0:
        return this.configuration;
      case 1:
        return signed(this.shunt, 16);
      case 2: {
        const overflow = Math.abs(this.current) > 0x7fff || this.power > 0xffff;
        return (this.bus << 3) | (this.ready ? 2 : 0) | (overflow ? 1 : 0);
      }
      case 3:
        this.ready = false;
        return this.power;
      case 4:
        return signed(this.current, 16);
      case 5:
        return this.calibration;
      default:
        return 0;
    }
  }

  write(register: number, value: number): void {
    if (register === 0 && (value & 0x8000) !== 0) this.reset();
    else if (register === 0) this.configuration = value;
    if (register === 5) this.calibration = value & 0xfffe;
  }
}

/** INA226: SBOS547B, section 7.1; results by equations 3 and 4. INA260: SBOS656C, section 8.6. */
export class SimulatedIna226 implements SimulatedMonitor {
  readonly #kind: "ina226" | "ina260";
  configuration: number;
  calibration = 0;
  mask = 0;
  shunt = 0;
  bus = 0;
  ready = false;

  constructor(kind: "ina226" | "ina260" = "ina226") {
    this.#kind = kind;
    this.configuration = this.#resetConfiguration;
  }

  get #resetConfiguration(): number {
    return this.#kind === "ina226" ? 0x4127 : 0x6127;
  }

  reset(): void {
    this.configuration = this.#resetConfiguration;
    this.calibration = 0;
    this.mask = 0;
  }

  get current(): number {
    return this.#kind === "ina260" ? this.shunt : Math.trunc((this.shunt * this.calibration) / 2048);
  }

  get power(): number {
    const product = Math.abs(this.current) * this.bus;
    return Math.trunc(this.#kind === "ina260" ? (product * 1.25e-3 * 1.25e-3) / 10e-3 : product / 20_000);
  }

  convert({ volts, amps, shuntOhm }: Flow): void {
    this.shunt = clamp(this.#kind === "ina260" ? amps / 1.25e-3 : (amps * shuntOhm) / 2.5e-6, -0x8000, 0x7fff);
    this.bus = clamp(volts / 1.25e-3, 0, 0x7fff);
    this.ready = true;
  }

  read(register: number): number {
    switch (register) {
      case 0:
        return this.configuration;
      case 1:
        return signed(this.shunt, 16);
      case 2:
        return this.bus;
      case 3:
        return this.power;
      case 4:
        return signed(this.current, 16);
      case 5:
        return this.calibration;
      case 6: {
        const overflow = Math.abs(this.current) > 0x7fff || this.power > 0xffff;
        const flags = (this.ready ? 8 : 0) | (overflow ? 4 : 0);
        this.ready = false;
        return this.mask | flags;
      }
      case 0xfe:
        return 0x5449;
      case 0xff:
        return this.#kind === "ina226" ? 0x2260 : 0x2270;
      default:
        return 0;
    }
  }

  write(register: number, value: number): void {
    if (register === 0) {
      this.configuration = value;
      this.ready = false;
    }
    if (register === 5) this.calibration = value & 0x7fff;
    if (register === 6) this.mask = value & 0xfc03;
  }
}

/** INA228 and INA238: SLYS021A and SLYS025B; the current is the shunt's counts · 4096 / SHUNT_CAL, as in their examples. */
export class SimulatedIna228 implements SimulatedMonitor {
  readonly #kind: "ina228" | "ina238";
  configuration = 0;
  adcConfiguration = 0xfb68;
  calibration = 0x1000;
  alerts = 0;
  memoryGood = true;
  shunt = 0;
  bus = 0;
  energy = 0;
  energyOverflow = false;
  ready = false;
  /** Replaces the chip's own product. */
  power = 0;
  mathOverflow = false;

  constructor(kind: "ina228" | "ina238" = "ina228") {
    this.#kind = kind;
  }

  reset(): void {
    this.configuration = 0;
    this.adcConfiguration = 0xfb68;
    this.calibration = 0x1000;
    this.alerts = 0;
    this.energy = 0;
    this.energyOverflow = false;
  }

  get #bits(): number {
    return this.#kind === "ina228" ? 20 : 16;
  }

  get current(): number {
    return this.calibration === 0 ? 0 : Math.trunc((this.shunt * 4096) / this.calibration);
  }

  /** Seconds of one averaged result. */
  get periodS(): number {
    const us = [50, 84, 150, 280, 540, 1052, 2074, 4120];
    const pick = (shift: number) => us[(this.adcConfiguration >> shift) & 7] ?? 0;
    const averages = [1, 4, 16, 64, 128, 256, 512, 1024][this.adcConfiguration & 7] ?? 0;
    return ((pick(9) + pick(6)) * averages) / 1e6;
  }

  convert({ volts, amps, shuntOhm }: Flow): void {
    const limit = 2 ** (this.#bits - 1);
    const fullScaleV = (this.configuration & 0x10) === 0 ? 0.16384 : 0.04096;
    this.shunt = clamp((amps * shuntOhm * limit) / fullScaleV, -limit, limit - 1);
    this.bus = clamp(volts / (this.#kind === "ina228" ? 195.3125e-6 : 3.125e-3), 0, limit - 1);
    const product = Math.abs(this.current) * this.bus;
    // V · I in steps of 3.2 (0.2) current LSB.
    this.power = Math.trunc(this.#kind === "ina228" ? product / 16_384 : product / 64);
    this.mathOverflow = Math.abs(this.current) > limit;
    this.accumulate((this.power * this.periodS) / 16);
    this.ready = true;
  }

  /** Adds to the energy, which has 40 bits and a fraction. */
  accumulate(counts: number): void {
    this.energy += counts;
    if (this.energy < 2 ** 40) return;
    this.energy -= 2 ** 40;
    this.energyOverflow = true;
  }

  read(register: number): number {
    const wide = this.#kind === "ina228";
    switch (register) {
      case 0x00:
        return this.configuration;
      case 0x01:
        return this.adcConfiguration;
      case 0x02:
        return this.calibration;
      case 0x05:
        return wide ? this.bus * 16 : this.bus;
      case 0x07:
        return wide ? signed(this.current, 20) * 16 : signed(this.current, 16);
      case 0x08:
        return this.power;
      case 0x09:
        this.energyOverflow = false;
        return Math.floor(this.energy);
      case 0x0b: {
        const flags = (this.ready ? 2 : 0) | (this.mathOverflow ? 0x200 : 0) | (this.energyOverflow ? 0x800 : 0);
        this.ready = false;
        return this.alerts | flags | (this.memoryGood ? 1 : 0);
      }
      case 0x3e:
        return 0x5449;
      case 0x3f:
        return wide ? 0x2281 : 0x2381;
      default:
        return 0;
    }
  }

  write(register: number, value: number): void {
    if (register === 0) {
      this.configuration = value & 0x3ff0;
      if ((value & 0x4000) !== 0) {
        this.energy = 0;
        this.mathOverflow = false;
      }
    }
    if (register === 1) this.adcConfiguration = value;
    if (register === 2) this.calibration = value & 0x7fff;
    if (register === 0x0b) this.alerts = value & 0xf000;
  }
}

/** INA3221: SBOS576C, section 7.6. */
export class SimulatedIna3221 implements SimulatedMonitor {
  configuration = 0x7127;
  mask = 0x0002;
  readonly shunt = [0, 0, 0];
  readonly bus = [0, 0, 0];
  ready = false;

  reset(): void {
    this.configuration = 0x7127;
    this.mask = 0x0002;
  }

  convert(...flows: readonly Flow[]): void {
    for (let i = 0; i < 3; i++) {
      const flow = flows[i] ?? flows.at(-1);
      if (flow === undefined) continue;
      this.shunt[i] = clamp((flow.amps * flow.shuntOhm) / 40e-6, -4096, 4095);
      this.bus[i] = clamp(flow.volts / 8e-3, -4096, 4095);
    }
    this.ready = true;
  }

  read(register: number): number {
    if (register >= 1 && register <= 6) {
      const values = register % 2 === 1 ? this.shunt : this.bus;
      return signed((values[(register - 1) >> 1] ?? 0) * 8, 16);
    }
    switch (register) {
      case 0:
        return this.configuration;
      case 0x0f: {
        const flags = this.ready ? 1 : 0;
        this.ready = false;
        return this.mask | flags;
      }
      case 0xfe:
        return 0x5449;
      case 0xff:
        return 0x3220;
      default:
        return 0;
    }
  }

  write(register: number, value: number): void {
    if (register === 0) this.configuration = value;
    if (register === 0x0f) this.mask = value & 0x7c00;
  }
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
