import { accessSync, constants, readdirSync } from "node:fs";
import { readFact } from "../../device/board.ts";

/** A counter of energy of the kernel's powercap framework (Documentation/power/powercap/powercap.rst). */
export interface PackageDomain {
  /** `package-0`, one per socket or die. */
  readonly name: string;
  readonly path: string;
  /** The counter goes back to 0 after this, µJ. */
  readonly rangeUj: number;
}

/**
 * The processor packages. Sub-domains (`intel-rapl:0:0`, cores) are parts of them; `psys` and the copies of `intel-rapl-mmio`
 * would count the same energy twice.
 */
export function packageDomains(root: string): PackageDomain[] {
  const folder = `${root}/sys/class/powercap`;
  return foldersOf(folder)
    .filter((entry) => /^intel-rapl:\d+$/.test(entry))
    .sort()
    .flatMap((entry) => {
      const path = `${folder}/${entry}`;
      const name = readFact(`${path}/name`) ?? "";
      const rangeUj = Number(readFact(`${path}/max_energy_range_uj`));
      return name.startsWith("package") && rangeUj > 0 ? [{ name, path, rangeUj }] : [];
    });
}

/** Root alone may by default, since Linux 5.10: the counter gives away what other processes compute (CVE-2020-8694). */
export function isReadable({ path }: PackageDomain): boolean {
  try {
    accessSync(`${path}/energy_uj`, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A machine without such counters.
    return [];
  }
}
