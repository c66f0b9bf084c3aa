import { clamp, type Flow, signed, type SimulatedMonitor } from "./simulated-monitor.ts";

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
