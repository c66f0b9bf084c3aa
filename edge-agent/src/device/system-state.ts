import { readFact } from "./board.ts";
import { readMachine, readTemperatureC, type MachineSnapshot } from "./machine-snapshot.ts";
import { readCpuTime, type CpuTime } from "./cpu-time.ts";

const KIB_PER_MB = 1e6 / 1024;

/** State of the machine; `null` where it has no such sensor. Names are the columns of measurement `system`. */
export interface SystemState {
  readonly [column: string]: number | null;
  readonly cpuPct: number | null;
  readonly tempC: number | null;
  readonly freqMhz: number | null;
  readonly memMb: number | null;
  readonly load1: number | null;
  readonly throttled: number | null;
}

/** Reads the machine's state; CPU use is that since the call before. */
export class SystemProbe {
  readonly #root: string;
  #last: CpuTime;

  constructor(root: string) {
    this.#root = root;
    this.#last = readCpuTime(root);
  }

  read(): SystemState {
    const now = readCpuTime(this.#root);
    const total = now.total - this.#last.total;
    const cpuPct = total > 0 ? round((100 * (now.busy - this.#last.busy)) / total, 1) : null;
    this.#last = now;
    return {
      cpuPct,
      tempC: scaled(readFact(`${this.#root}/sys/class/thermal/thermal_zone0/temp`), 1 / 1000, 1),
      freqMhz: this.#fastestCoreMhz(),
      memMb: this.#memoryInUseMb(),
      load1: scaled(readFact(`${this.#root}/proc/loadavg`)?.split(" ")[0], 1, 2),
      throttled: this.throttled(),
    };
  }

  /** What validity of a window is judged by, taken at both of its edges. @param pids processes of the measurement */
  snapshot(pids: readonly number[]): MachineSnapshot {
    return readMachine(this.#root, pids, this.throttled());
  }

  temperatureC(): number | undefined {
    return readTemperatureC(this.#root);
  }

  /** The firmware's throttling bits: 0 undervoltage, 1 frequency capped, 2 throttled, 3 soft limit, 16 to 19 the same since boot. */
  throttled(): number | null {
    const text = readFact(`${this.#root}/sys/devices/platform/soc/soc:firmware/get_throttled`);
    const bits = text === undefined ? Number.NaN : Number.parseInt(text, 16);
    return Number.isNaN(bits) ? null : bits;
  }

  #fastestCoreMhz(): number | null {
    const khz: number[] = [];
    for (let core = 0; ; core++) {
      const text = readFact(`${this.#root}/sys/devices/system/cpu/cpu${core}/cpufreq/scaling_cur_freq`);
      if (text === undefined) break;
      khz.push(Number(text));
    }
    if (khz.length > 0) return Math.round(Math.max(...khz) / 1000);
    const mhz = [...(readFact(`${this.#root}/proc/cpuinfo`) ?? "").matchAll(/^cpu MHz\s*:\s*([\d.]+)/gm)];
    return mhz.length > 0 ? Math.round(Math.max(...mhz.map((match) => Number(match[1])))) : null;
  }

  #memoryInUseMb(): number | null {
    const text = readFact(`${this.#root}/proc/meminfo`) ?? "";
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1]);
    const used = kib("MemTotal") - kib("MemAvailable");
    return Number.isNaN(used) ? null : round(used / KIB_PER_MB, 1);
  }
}

function scaled(text: string | undefined, factor: number, digits: number): number | null {
  const value = text === undefined || text === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? null : round(value * factor, digits);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
