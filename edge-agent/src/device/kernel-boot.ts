import { readFact } from "./board.ts";

/** The kernel's name for this start of the machine (proc(5), `random/boot_id`); empty where it has none. */
export function kernelBoot(root = ""): string {
  return readFact(`${root}/proc/sys/kernel/random/boot_id`) ?? "";
}
