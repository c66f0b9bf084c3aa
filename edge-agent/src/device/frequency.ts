import { readdirSync } from "node:fs";
import { readFact } from "./board.ts";

/** Governors that hold one frequency; under all others the kernel follows the load. */
const HOLDING = new Set(["performance", "powersave", "userspace"]);

/** Clock of a group of cores, from the kernel's cpufreq statistics (Documentation/cpu-freq/cpufreq-stats.rst). */
export interface FrequencyPolicy {
  /** `policy0`, as the kernel calls it. */
  readonly name: string;
  readonly governor: string;
  /** Whether the governor or the limits hold one frequency. */
  readonly pinned: boolean;
  /** The frequency that it is pinned to, else the highest that it may take, kHz. */
  readonly targetKhz: number;
  /** Ticks of 10 ms spent at each frequency (kHz) since boot. */
  readonly ticksAtKhz: ReadonlyMap<number, number>;
}

/** All policies of this machine; none where the kernel keeps no statistics, as in virtual machines. */
export function readFrequencyPolicies(root = ""): FrequencyPolicy[] {
  const folder = `${root}/sys/devices/system/cpu/cpufreq`;
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith("policy"));
  } catch {
    return [];
  }
  return names.sort().flatMap((name) => {
    const fact = (file: string) => readFact(`${folder}/${name}/${file}`);
    const statistics = fact("stats/time_in_state");
    const governor = fact("scaling_governor");
    const max = Number(fact("scaling_max_freq"));
    if (statistics === undefined || governor === undefined || Number.isNaN(max)) return [];
    const min = Number(fact("scaling_min_freq"));
    const set = Number(fact("scaling_setspeed"));
    const target = governor === "powersave" ? min : governor === "userspace" ? set : max;
    return [
      {
        name,
        governor,
        pinned: HOLDING.has(governor) || min === max,
        targetKhz: Number.isNaN(target) ? max : target,
        ticksAtKhz: new Map(
          statistics.split("\n").map((line): [number, number] => {
            const [khz = Number.NaN, ticks = Number.NaN] = line.trim().split(/\s+/).map(Number);
            return [khz, ticks];
          }),
        ),
      },
    ];
  });
}

/**
 * Share of the time between two readings of a policy that was spent below its target of the first one, since whoever cools the
 * processor lowers the limit itself; `undefined` when no tick passed.
 */
export function shareBelowTarget(before: FrequencyPolicy, after: FrequencyPolicy): number | undefined {
  let total = 0;
  let below = 0;
  for (const [khz, ticks] of after.ticksAtKhz) {
    const passed = ticks - (before.ticksAtKhz.get(khz) ?? 0);
    total += passed;
    if (khz < before.targetKhz) below += passed;
  }
  return total > 0 ? below / total : undefined;
}
