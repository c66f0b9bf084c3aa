import { clamp, type Flow, signed, type SimulatedMonitor } from "./simulated-monitor.ts";

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
