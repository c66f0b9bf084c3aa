import { createWriteStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { requireSystem, runCommand, startInfluxd, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";

const influxd = requireSystem("influxd");

const EDGEWATT = new URL("../../bin/edgewatt.js", import.meta.url);
const SECONDS = 30_000;
/** As line protocol the points take more than this, and as objects many times more. */
const HEAP_MB = 40;

function* lines(): Generator<string> {
  for (let s = 0; s < SECONDS; s++) {
    let text = "";
    for (let i = 0; i < 10; i++) {
      const fields = `amps=0.${i}123456,volts=5.1${i}2345,watts=3.${s}${i},watts_max=3.9${s}${i},watts_min=2.9${s}${i}`;
      text += `power,channel=main,device=pi-1,source=ina228 ${fields} 17640${String(s).padStart(5, "0")}${i}00000000\n`;
    }
    yield text;
  }
}

describe.skipIf(influxd.skip)("memory", () => {
  it("does not grow with what is imported and exported", async () => {
    await using dir = await tempDir();
    const influx = await startInfluxd();
    try {
      await pipeline(Readable.from(lines()), createWriteStream(path.join(dir.path, "in.lp")));
      const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`, EDGEWATT_INFLUX: influx.url };
      const run = (args: readonly string[]) => runCommand(EDGEWATT, args, { cwd: dir.path, env, timeoutMs: 110_000 });
      const imported = await run(["import", "in.lp", "--json"]);
      expect(imported.stderr).toBe("");
      expect(JSON.parse(imported.stdout)).toMatchObject({ files: [{ stored: 10 * SECONDS }] });
      const exported = await run(["export", "--out", "out.lp", "--json"]);
      expect(exported.stderr).toBe("");
      expect(JSON.parse(exported.stdout)).toMatchObject({ points: 10 * SECONDS });
    } finally {
      await influx.stop();
    }
  });
});
