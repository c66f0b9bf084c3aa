import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

/** A Telegraf, or why there is none. */
export type TelegrafPeer =
  | { readonly file: string; readonly label: string }
  | { readonly file: null; readonly note: string };

/** Where `go install` puts what it builds. */
const GO_BIN = process.env["GOBIN"] || join(homedir(), "go/bin");

/** Looks for Telegraf: `EDGEWATT_TELEGRAF`, else on the PATH, else where Go installs it. */
export async function findTelegraf(named = process.env["EDGEWATT_TELEGRAF"]): Promise<TelegrafPeer> {
  for (const file of named ? [named] : ["telegraf", join(GO_BIN, "telegraf")]) {
    try {
      const { stdout } = await promisify(execFile)(file, ["--version"]);
      return { file, label: stdout.trim() };
    } catch {
      // Not here.
    }
  }
  return { file: null, note: "Telegraf is not installed: run bench/peers.sh, or name it in EDGEWATT_TELEGRAF" };
}
