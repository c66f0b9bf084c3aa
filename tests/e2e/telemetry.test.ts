import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { eventually, queryInflux, requireSystem, type SpawnedService, type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewatt, edgewattJson, type Place, startUp } from "../edgewatt.ts";

const influxd = requireSystem("influxd");

interface Benchmark {
  readonly jobs: readonly { readonly job: string }[];
}
interface Traces {
  readonly traces: readonly { readonly file: string; readonly sha256: string; readonly url?: string }[];
}
interface Exported {
  readonly source: string;
  readonly points: number;
  readonly measurements: Readonly<Record<string, number>>;
}

const TINY = "--quick --windows 1 --window-s 0.3 --idle-s 0.2 --threads 1 --precisions fp32 --accuracy 0".split(" ");

describe.skipIf(influxd.skip)("telemetry and readings of a stack, out and in", () => {
  let dir: TempDir;
  let place: Place;
  let stack: SpawnedService;
  let job: string;

  beforeAll(async () => {
    dir = await tempDir();
    place = { dir: dir.path };
    stack = await startUp(place, ["--device", "pi-1"]);
    await edgewattJson(place, ["benchmark", "p00", ...TINY]);
    job = (await edgewattJson<Benchmark>(place, ["runs"])).jobs[0]?.job ?? "";
  });
  afterAll(async () => {
    await stack.stop();
    await dir[Symbol.asyncDispose]();
  });

  it("the private database keeps points for days and means for months", async () => {
    expect(await edgewattJson(place, ["database", "show"])).toMatchObject({
      downsampled: true,
      policies: [
        { durationS: 604_800, isDefault: true },
        { name: "seconds" },
        { name: "minutes", durationS: 63_072_000 },
      ],
    });
    const influx = stack.ready["influx"] as string;
    await eventually(async () => {
      expect((await queryInflux(influx, 'SELECT watts FROM "seconds"."power"')).length).toBeGreaterThan(5);
    });
  });

  it("exports what is in the database, and imports it without doubling anything", async () => {
    const file = path.join(dir.path, "all.lp.gz");
    // Up to some seconds ago, so that nothing of it is still on its way.
    const [to, before] = await eventually(async () => {
      const until = new Date(Date.now() - 5000).toISOString();
      const exported = await edgewattJson<Exported>(place, ["export", "--to", until, "--out", file]);
      expect(exported.measurements).toHaveProperty("run_summary");
      return [until, exported] as const;
    });
    expect(before.source).toBe(stack.ready["influx"]);
    expect(Object.keys(before.measurements)).toEqual(
      expect.arrayContaining(["power", "inference", "system", "run_summary"]),
    );
    expect(gunzipSync(await readFile(file)).toString()).toMatch(
      /^power,channel=\S+,device=pi-1,source=\S+ .*watts=\d\S* \d{19}$/m,
    );
    expect(await edgewattJson(place, ["import", file])).toMatchObject({
      files: [{ stored: before.points, refused: 0 }],
    });
    const after = await edgewattJson<Exported>(place, ["export", "--to", to, "--out", file]);
    expect(after.measurements).toEqual(before.measurements);
  });

  it("exports the readings of a run from this machine or from the hub, and the hub takes them back", async () => {
    const out = path.join(dir.path, "readings");
    const [here] = (await edgewattJson<Traces>(place, ["export", "--traces", job, "--out", out])).traces;
    expect(gunzipSync(await readFile(here?.file ?? "")).toString()).toMatch(/^window,phase,t_us,watts,joules$/m);

    const elsewhere: Place = { dir: path.join(dir.path, "elsewhere") };
    const far = [
      "export",
      "--traces",
      job,
      "--out",
      path.join(dir.path, "far"),
      "--broker",
      stack.ready["mqtt"] as string,
    ];
    const [fetched] = (await edgewattJson<Traces>({ ...place, env: { EDGEWATT_DATA: elsewhere.dir } }, far)).traces;
    expect(await readFile(fetched?.file ?? "")).toEqual(await readFile(here?.file ?? ""));

    const artifacts = path.join(dir.path, "hub", "artifacts");
    await rm(path.join(artifacts, here?.sha256 ?? ""));
    const [imported] = (await edgewattJson<Traces>(place, ["import", "--traces", here?.file ?? ""])).traces;
    expect(imported?.sha256).toBe(here?.sha256);
    expect(await readdir(artifacts)).toContain(here?.sha256);
    expect((await fetch(imported?.url ?? "")).status).toBe(200);
  });

  it("says that a job has no readings", async () => {
    const { code, stderr } = await edgewatt(place, ["export", "--traces", "no-such-job", "--out", "x"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no job no-such-job/);
  });
});
