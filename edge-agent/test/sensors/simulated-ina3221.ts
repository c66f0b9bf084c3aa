import { clamp, type Flow, signed, type SimulatedMonitor } from "./simulated-monitor.ts";

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
