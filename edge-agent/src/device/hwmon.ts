import { readdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { readFact } from "./board.ts";

/** A chip that a kernel driver reads (Documentation/hwmon/sysfs-interface.rst). Its number changes from boot to boot. */
export interface HwmonChip {
  /** What the driver calls it: `ina219`, `rpi_volt`. */
  readonly name: string;
  /** Its folder, such as `/sys/class/hwmon/hwmon2`. */
  readonly path: string;
  /** The device behind it, such as `1-0040`: I²C bus 1, address 0x40; empty where it cannot be told. */
  readonly device: string;
}

/** All chips that kernel drivers read, in the order of their numbers. */
export function listHwmon(root: string): HwmonChip[] {
  const folder = `${root}/sys/class/hwmon`;
  return foldersOf(folder)
    .filter((entry) => /^hwmon\d+$/.test(entry))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .flatMap((entry) => {
      const name = readFact(`${folder}/${entry}/name`);
      return name === undefined ? [] : [{ name, path: `${folder}/${entry}`, device: deviceOf(`${folder}/${entry}`) }];
    });
}

export function findHwmon(root: string, isWanted: (name: string) => boolean): HwmonChip | undefined {
  return listHwmon(root).find(({ name }) => isWanted(name));
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A machine without any has no such folder.
    return [];
  }
}

function deviceOf(chip: string): string {
  try {
    return path.basename(realpathSync(`${chip}/device`));
  } catch {
    return "";
  }
}
