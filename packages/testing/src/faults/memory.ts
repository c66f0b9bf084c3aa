import { readFile } from "node:fs/promises";
import type { ManagedProcess } from "./managed-process.ts";

const SAMPLE_MS = 10_000;
/** A process fills its caches first. */
const WARM_UP_S = 300;
/** Ten minutes: over less, what a collector of garbage does hides a slope. */
const LEAST_SAMPLES = 60;

/** The resident memory of the longest life of a process. */
export interface MemoryUse {
  readonly name: string;
  readonly lifeS: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly maxMb: number;
  /** Least squares over what follows the first five minutes; `null` for a life of less than a quarter of an hour. */
  readonly slopeMbPerH: number | null;
}

interface Sample {
  readonly s: number;
  readonly mb: number;
}

/** Reads the memory of processes every ten seconds. */
export class MemoryWatch implements Disposable {
  readonly #processes: readonly ManagedProcess[];
  /** By name, then by process. */
  readonly #samples = new Map<string, Map<number, Sample[]>>();
  readonly #timer: NodeJS.Timeout;

  constructor(processes: readonly ManagedProcess[]) {
    this.#processes = processes;
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_MS);
  }

  uses(): MemoryUse[] {
    return [...this.#samples].flatMap(([name, lives]) => {
      const [longest] = [...lives.values()].sort((a, b) => b.length - a.length);
      return longest === undefined ? [] : [useOf(name, longest)];
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #sample(): Promise<void> {
    for (const { pid, spec } of this.#processes) {
      const mb = await residentMb(pid);
      if (mb === undefined) continue;
      const lives = this.#samples.get(spec.name) ?? new Map<number, Sample[]>();
      this.#samples.set(spec.name, lives);
      lives.set(pid, [...(lives.get(pid) ?? []), { s: performance.now() / 1000, mb }]);
    }
  }
}

function useOf(name: string, samples: readonly Sample[]): MemoryUse {
  const firstS = samples[0]?.s ?? 0;
  const mb = samples.map((sample) => sample.mb);
  return {
    name,
    lifeS: (samples.at(-1)?.s ?? firstS) - firstS,
    firstMb: mb[0] ?? 0,
    lastMb: mb.at(-1) ?? 0,
    maxMb: Math.max(...mb),
    slopeMbPerH: slope(samples.filter(({ s }) => s - firstS >= WARM_UP_S)),
  };
}

function slope(samples: readonly Sample[]): number | null {
  if (samples.length < LEAST_SAMPLES) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanS = mean(samples.map(({ s }) => s));
  const meanMb = mean(samples.map(({ mb }) => mb));
  const covariance = mean(samples.map(({ s, mb }) => (s - meanS) * (mb - meanMb)));
  return (covariance / mean(samples.map(({ s }) => (s - meanS) ** 2))) * 3600;
}

async function residentMb(pid: number): Promise<number | undefined> {
  try {
    const kb = /^VmRSS:\s*(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "latin1"))?.[1];
    return kb === undefined ? undefined : (Number(kb) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
