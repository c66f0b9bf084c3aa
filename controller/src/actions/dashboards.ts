import type { Context } from "../context.ts";
import { runAppBin } from "./service.ts";

/** Writes the generated dashboards; resolves with the exit code of the app that builds them. */
export async function buildDashboards(
  _context: Context,
  options: { readonly json?: true; readonly out?: string },
): Promise<number> {
  return runAppBin("dashboards", [
    "build",
    ...(options.out === undefined ? [] : ["--out", options.out]),
    ...(options.json === true ? ["--json"] : []),
  ]);
}
