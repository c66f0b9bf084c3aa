import { readFact } from "./board.ts";
import { readMachine, type MachineSnapshot } from "./machine-snapshot.ts";
import { readCpuTime, type CpuTime } from "./cpu-time.ts";
import { readTemperatureC } from "./temperature.ts";
import { readCachedThrottled, readThrottled } from "./throttling.ts";

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
    const tempC = this.temperatureC();
    return {
      cpuPct,
      tempC: tempC === undefined ? null : round(tempC, 1),
      freqMhz: this.#fastestCoreMhz(),
      memMb: this.#memoryInUseMb(),
      load1: this.#load(),
      throttled: readCachedThrottled(this.#root),
    };
  }

  /** What validity of a window is judged by, taken before and after it. @param pids processes of the measurement */
  snapshot(pids: readonly number[]): MachineSnapshot {
    return readMachine(this.#root, pids, readThrottled(this.#root));
  }

  temperatureC(): number | undefined {
    return readTemperatureC(this.#root);
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

  #load(): number | null {
    const load = Number.parseFloat(readFact(`${this.#root}/proc/loadavg`) ?? "");
    return Number.isNaN(load) ? null : round(load, 2);
  }

  #memoryInUseMb(): number | null {
    const text = readFact(`${this.#root}/proc/meminfo`) ?? "";
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1]);
    const used = kib("MemTotal") - kib("MemAvailable");
    return Number.isNaN(used) ? null : round(used / KIB_PER_MB, 1);
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
