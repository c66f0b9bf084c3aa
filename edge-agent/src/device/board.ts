import { readFileSync } from "node:fs";

/** Text of a file under `/proc` or `/sys`, trimmed of white space and NUL; `undefined` when this machine has none. */
export function readFact(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").replaceAll("\0", "").trim();
  } catch {
    return undefined;
  }
}

/** What the machine calls itself: the device tree's model on a Pi, the DMI product elsewhere. */
export function boardModel(root = ""): string {
  return (
    readFact(`${root}/proc/device-tree/model`) ?? readFact(`${root}/sys/class/dmi/id/product_name`) ?? "unknown board"
  );
}
