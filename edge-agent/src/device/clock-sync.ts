import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const RECHECK_US = 60_000_000;
const CHRONYC_TIMEOUT_MS = 2000;

/**
 * Whether somebody keeps the wall clock right. systemd-timesyncd says so by a file, chrony by its command; on a machine
 * with neither (a container, a virtual machine that its host sets) nobody will ever tell, so its clock is trusted.
 */
export class ClockSync {
  readonly #root: string;
  readonly #nowUs: () => number;
  #synchronized = false;
  #checkedUs = -Infinity;

  constructor(root: string, monotonicUs: () => number) {
    this.#root = root;
    this.#nowUs = monotonicUs;
  }

  /** Cheap: asks again every second until it is, then every minute; `settled` keeps the last answer, for measured windows. */
  isSynchronized(settled = false): boolean {
    const ageUs = this.#nowUs() - this.#checkedUs;
    if (settled || ageUs < 1_000_000 || (this.#synchronized && ageUs < RECHECK_US)) return this.#synchronized;
    this.#checkedUs = this.#nowUs();
    this.#synchronized = this.#ask();
    return this.#synchronized;
  }

  #ask(): boolean {
    if (existsSync(`${this.#root}/run/systemd/timesync`)) {
      return existsSync(`${this.#root}/run/systemd/timesync/synchronized`);
    }
    if (existsSync(`${this.#root}/run/chrony`)) {
      const { stdout } = spawnSync("chronyc", ["-n", "-c", "tracking"], {
        encoding: "latin1",
        timeout: CHRONYC_TIMEOUT_MS,
      });
      return (stdout ?? "").trim().endsWith(",Normal");
    }
    return true;
  }
}
