import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir, type TempDir } from "@edgewatt/testing";

/** What a test sets of a Pi with four cores of which the kernel tells everything; ticks are of 10 ms. */
export interface MachineState {
  /** Ticks of all cores, and what processes, interrupts and nobody took of them. */
  readonly cpu: { readonly tasks: number; readonly interrupts?: number; readonly idle: number };
  /** Ticks by process id. */
  readonly processes?: Readonly<Record<number, number>>;
  readonly milliC?: number;
  readonly swap?: readonly [pagesIn: number, pagesOut: number];
  readonly policy?: {
    readonly governor: string;
    readonly minKhz: number;
    readonly maxKhz: number;
    readonly ticksAtKhz: Readonly<Record<number, number>>;
  };
}

const POLICY = "sys/devices/system/cpu/cpufreq/policy0";

function filesOf({ cpu, processes = {}, milliC, swap, policy }: MachineState): Record<string, string> {
  const cores = [0, 1, 2, 3].map((core) => `cpu${core} 0 0 0 0 0 0 0 0 0 0\n`).join("");
  const files: Record<string, string> = {
    "proc/stat": `cpu  ${cpu.tasks} 0 0 ${cpu.idle} 0 ${cpu.interrupts ?? 0} 0 0 0 0\n${cores}intr 1\n`,
  };
  for (const [pid, ticks] of Object.entries(processes)) {
    // The name of a command may hold anything, brackets and spaces too.
    files[`proc/${pid}/stat`] =
      `${pid} (node (run ner)) R 1 1 1 0 -1 4194304 5 0 0 0 ${ticks - 2} 2 9 9 20 0 11 0 500 1 1\n`;
  }
  if (milliC !== undefined) files["sys/class/thermal/thermal_zone0/temp"] = `${milliC}\n`;
  if (swap !== undefined) files["proc/vmstat"] = `nr_free_pages 5\npswpin ${swap[0]}\npswpout ${swap[1]}\npgfault 1\n`;
  if (policy !== undefined) {
    files[`${POLICY}/scaling_governor`] = `${policy.governor}\n`;
    files[`${POLICY}/scaling_min_freq`] = `${policy.minKhz}\n`;
    files[`${POLICY}/scaling_max_freq`] = `${policy.maxKhz}\n`;
    files[`${POLICY}/scaling_setspeed`] = "<unsupported>\n";
    files[`${POLICY}/stats/time_in_state`] = Object.entries(policy.ticksAtKhz)
      .map(([khz, ticks]) => `${khz} ${ticks}\n`)
      .join("");
  }
  return files;
}

/** A fake `/proc` and `/sys` in a folder of its own. */
export class FakeMachine implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async create(state: MachineState): Promise<FakeMachine> {
    const machine = new FakeMachine(await tempDir());
    await machine.become(state);
    return machine;
  }

  get root(): string {
    return this.#dir.path;
  }

  async become(state: MachineState): Promise<void> {
    for (const [file, text] of Object.entries(filesOf(state))) {
      const target = path.join(this.root, file);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}
