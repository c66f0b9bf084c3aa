import { clamp, type Flow, signed, type SimulatedMonitor } from "./simulated-monitor.ts";

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
    // Stays until it is cleared by a write.
    this.mathOverflow ||= Math.abs(this.current) > limit;
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
    if (register === 1) {
      this.adcConfiguration = value;
      this.mathOverflow = false;
    }
    if (register === 2) this.calibration = value & 0x7fff;
    if (register === 0x0b) this.alerts = value & 0xf000;
  }
}
