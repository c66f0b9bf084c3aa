import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../dist/sensors/probe-child.js", import.meta.url));
/** No machine has so many. */
const ABSENT_BUS = "9999";

/** What the script prints, as JSON, and its exit code. */
function run(...args: string[]): Promise<{ exitCode: number | null; printed: unknown }> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [SCRIPT, ...args], (_error, stdout, stderr) => {
      if (stdout === "") reject(new RangeError(stderr));
      else resolve({ exitCode: child.exitCode, printed: JSON.parse(stdout) });
    });
  });
}

describe("probe-child", () => {
  it("says why the bus cannot be used", async () => {
    expect(await run(ABSENT_BUS, "--probe")).toEqual({
      exitCode: 1,
      printed: { code: "bus-absent", message: expect.stringMatching(/\/dev\/i2c-9999 does not exist/) as string },
    });
    expect(await run("one")).toMatchObject({ exitCode: 1, printed: { code: "bus-number" } });
  });
});
