import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import { formatFieldValue, formatSeries, isTagValue } from "@edgewatt/database";
import { type FieldType, MEASUREMENTS, type Measurement } from "@edgewatt/protocol";
import { queryInflux, requireSystem, startInfluxd, type TempDir, tempDir, type TestInfluxd } from "@edgewatt/testing";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runHere } from "../run-app.ts";

const influxd = requireSystem("influxd");

const T0 = 1_764_000_000_000_000_000n;
const text = fc.string({ unit: fc.constantFrom("a", "B", "0", "é", "°", "😀", ..." ,=\"'\\/#${}\t\n.:-".split("")) });
const VALUES: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  float: fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x)),
  integer: fc.maxSafeInteger().map((x) => (x === 0 ? 0 : x)),
  string: text,
  boolean: fc.boolean(),
};

/** A point of the catalogue: any of its tags, at least one of its fields, a time in ns. */
function pointOf(measurement: Measurement): fc.Arbitrary<{ readonly head: string; readonly fields: string }> {
  const tags = fc.record(
    Object.fromEntries(
      measurement.tags.map(({ name }) => [name, fc.option(text.filter(isTagValue), { nil: undefined })]),
    ),
  );
  const fields = fc
    .record(Object.fromEntries(measurement.fields.map(({ name, type }) => [name, VALUES[type]])), { requiredKeys: [] })
    .filter((chosen) => Object.keys(chosen).length > 0);
  return fc.tuple(tags, fields).map(([tagValues, fieldValues]) => ({
    head: formatSeries(
      measurement.name,
      Object.entries(tagValues).filter((tag): tag is [string, string] => tag[1] !== undefined),
    ),
    // The database answers with fields in the order of their names.
    fields: Object.keys(fieldValues)
      .toSorted()
      .map((name) => {
        const type = measurement.fields.find((field) => field.name === name)?.type ?? "float";
        return `${name}=${formatFieldValue(type, fieldValues[name])}`;
      })
      .join(","),
  }));
}

const lines = fc
  .array(fc.oneof(...Object.values(MEASUREMENTS).map((measurement) => pointOf(measurement))), {
    minLength: 1,
    maxLength: 40,
  })
  .map((points) => points.map(({ head, fields }, i) => `${head} ${fields} ${T0 + BigInt(i) * 100_000_001n}`));

describe.skipIf(influxd.skip)("export and import on a real influxd", () => {
  let influx: TestInfluxd;
  let dir: TempDir;
  beforeAll(async () => {
    influx = await startInfluxd();
    dir = await tempDir();
  });
  afterAll(async () => {
    await influx.stop();
    await dir[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await queryInflux(influx.url, 'DROP DATABASE "edgewatt"');
  });

  const at = (name: string) => path.join(dir.path, name);
  const run = (args: readonly string[], stdin?: Readable) =>
    runHere([...args, "--influx", influx.url], { cwd: dir.path, ...(stdin === undefined ? {} : { stdin }) });

  async function runJson<T>(args: readonly string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await run([...args, "--json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    return JSON.parse(stdout) as T;
  }

  it("what was imported is exported as it was, whatever the characters and numbers", async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (written) => {
        await queryInflux(influx.url, 'DROP DATABASE "edgewatt"');
        await writeFile(at("in.lp"), written.map((line) => `${line}\n`).join(""));
        expect(await runJson(["import", "in.lp"])).toMatchObject({
          files: [{ lines: written.length, stored: written.length, refused: 0 }],
        });
        expect(await runJson(["export", "--out", "out.lp.gz"])).toMatchObject({ points: written.length });
        const exported = gunzipSync(await readFile(at("out.lp.gz"))).toString();
        const document = written.toSorted().join("\n");
        // A point's text may hold line breaks, so whole documents are compared, sorted by their points.
        expect(
          exported
            .trimEnd()
            .split(/\n(?=[a-z_]+[, ])/)
            .toSorted()
            .join("\n"),
        ).toBe(
          document
            .split(/\n(?=[a-z_]+[, ])/)
            .toSorted()
            .join("\n"),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("exports the chosen times, devices and measurements, to standard output too", async () => {
    const points = [0, 1, 2].flatMap((s) =>
      ["pi-1", "pi-2"].flatMap((device) => [
        `power,device=${device} watts=${s} ${T0 + BigInt(s) * 1_000_000_000n}`,
        `system,device=${device} throttled=${s}i ${T0 + BigInt(s) * 1_000_000_000n}`,
      ]),
    );
    await writeFile(at("chosen.lp"), points.join("\n"));
    await run(["import", "chosen.lp"]);
    const time = (s: number) => new Date(Number(T0 / 1_000_000n) + s * 1000).toISOString();
    const chosen = ["--from", time(1), "--to", time(2), "--device", "pi-2", "--measurement", "power,gap"];
    const { stdout, stderr, exitCode } = await run(["export", ...chosen]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`power,device=pi-2 watts=1 ${T0 + 1_000_000_000n}\n`);
    expect(stderr).toMatch(/^1 points from http/);
    expect((await run(["export", "--json"])).exitCode).toBe(2);
  });

  it("takes dead letters, packed files and standard input, and names each refused line", async () => {
    const file = [
      '# partial write: field type conflict "x',
      `power,device=a watts=1 ${T0}`,
      "power,device=a watts= 1",
      'power,device=a watts="text" 1764000000000000001',
      "",
      `power,device=a watts=2 ${T0 + 2n}`,
    ];
    await writeFile(at("dead.lp.gz"), gzipSync(file.join("\n")));
    const { exitCode, stdout } = await run(["import", "dead.lp.gz", "--json"]);
    expect(exitCode).toBe(1);
    const [document] = (JSON.parse(stdout) as { files: { refusals: { line: number; reason: string }[] }[] }).files;
    expect(document).toMatchObject({ lines: 4, stored: 2, refused: 2 });
    expect(document?.refusals.map(({ line }) => line)).toEqual([3, 4]);
    expect(document?.refusals[1]?.reason).toContain("field type conflict");
    const words = await run(["import", "dead.lp.gz"]);
    expect(words.stderr).toMatch(/^dead\.lp\.gz:3: .*unable to parse/m);

    const piped = await run(["import", "-"], Readable.from([Buffer.from(`power,device=a watts=3 ${T0 + 3n}\n`)]));
    expect(piped).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^- +1 +1 +0/m) });
    expect(await queryInflux(influx.url, 'SELECT count("watts") FROM "power"')).toMatchObject([{ count: 3 }]);
  });

  it("says what to do with whole batches among the dead letters", async () => {
    const { exitCode, stderr } = await run(["import", "2026-11-26.jsonl"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/send them again .*retention\.md/);
  });

  it("refuses what would be stored anew each time, and what is no text, line by line", async () => {
    const bytes = Buffer.from([0x00, 0x01, 0x1b, 0x7f, 0xff, 0xfe]);
    const good = Buffer.from(`power,device=a watts=1 ${T0}\n`);
    await writeFile(
      at("odd.lp"),
      Buffer.concat([Buffer.from("power,device=a watts=2\n"), bytes, Buffer.from(" 1\n"), good]),
    );
    const { exitCode, stdout } = await run(["import", "odd.lp", "--json"]);
    expect(exitCode).toBe(1);
    expect((JSON.parse(stdout) as { files: unknown[] }).files).toMatchObject([
      {
        lines: 3,
        stored: 1,
        refusals: [
          { line: 1, reason: expect.stringMatching(/no timestamp/) },
          { line: 2, reason: expect.stringMatching(/unable to parse/) },
        ],
      },
    ]);
    expect(await queryInflux(influx.url, 'SELECT count("watts") FROM "power"')).toMatchObject([{ count: 1 }]);
  });

  it("goes on with the line that is named", async () => {
    await writeFile(at("on.lp"), [1n, 2n, 3n].map((n) => `power,device=a watts=${n} ${T0 + n}\n`).join(""));
    await run(["import", "on.lp", "--from-line", "3"]);
    expect(await queryInflux(influx.url, 'SELECT watts FROM "power"')).toMatchObject([{ watts: 3 }]);
    expect((await run(["import", "on.lp", "on.lp", "--from-line", "3"])).exitCode).toBe(2);
  });

  it("computes the means that imported points belong to, and exports them by their policy", async () => {
    await run(["database", "setup", "--policies-only", "--raw", "forever", "--seconds", "forever"]);
    await writeFile(at("late.lp"), `power,device=a watts=1 ${T0}\npower,device=a watts=4 ${T0 + 1n}\n`);
    expect(await runJson(["import", "late.lp"])).toMatchObject({ means: 2 });
    // The minutes are kept for two years, which is longer ago than this.
    expect(await queryInflux(influx.url, 'SELECT watts FROM "minutes"."power"')).toMatchObject([{ watts: 2.5 }]);
    const { stdout } = await run(["export", "--policy", "seconds"]);
    expect(stdout).toBe(`power,device=a watts=2.5 ${T0}\n`);
  });

  it("exports the files of ingest, by the same conditions", async () => {
    const data = at("plain");
    await mkdir(path.join(data, "telemetry"), { recursive: true });
    const day = (n: bigint) => `power,device=pi\\ ${n} watts=${n},run="a\nb" ${T0 + n}\n`;
    await writeFile(path.join(data, "telemetry", "2026-11-23.lp"), day(1n) + day(2n));
    await writeFile(path.join(data, "telemetry", "2026-11-24.lp"), day(3n));
    const all = await runHere(["export", "--data", data], { cwd: dir.path });
    expect(all).toMatchObject({ exitCode: 0, stdout: day(1n) + day(2n) + day(3n) });
    const one = await runHere(["export", "--data", data, "--device", "pi 3"], { cwd: dir.path });
    expect(one.stdout).toBe(day(3n));
  });

  it("says what cannot be read, written or reached", async () => {
    expect(await run(["import", "missing.lp"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/cannot read .*ENOENT/),
    });
    await writeFile(at("cut.lp.gz"), gzipSync("power watts=1 1\n").subarray(0, 20));
    expect(await run(["import", "cut.lp.gz"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/there, readable and whole/),
    });
    await writeFile(at("one.lp"), `power,device=a watts=1 ${T0}\n`);
    await run(["import", "one.lp"]);
    expect(await run(["export", "--out", "no/folder.lp"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/cannot write/),
    });
    const nowhere = await runHere(["import", "one.lp", "--influx", "http://127.0.0.1:2"], { cwd: dir.path });
    expect(nowhere).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/^edgewatt: .* cannot be reached/) });
    expect(await runHere(["export"], { cwd: dir.path })).toMatchObject({ exitCode: 3 });
  });

  it("changes nothing where what was asked for is wrong, and says what is right", async () => {
    await writeFile(at("good.lp"), `power,device=a watts=1 ${T0}\n`);
    await writeFile(at("notes.csv"), "when,watts\n1,2\n");
    const refused: readonly (readonly [number, RegExp, ...string[]])[] = [
      [1, /cannot read .*missing\.lp \(ENOENT\)/, "import", "good.lp", "missing.lp"],
      [2, /standard input, which can be read once only/, "import", "-", "-"],
      [2, /readings come from files/, "import", "--traces", "-"],
      [1, /notes\.csv holds no full-rate readings/, "import", "--traces", "notes.csv"],
      [2, /--from must be before --to/, "export", "--from", "2h", "--to", "3h"],
    ];
    for (const [exitCode, stderr, ...args] of refused) {
      expect({ args, ...(await run(args)) }).toMatchObject({ args, exitCode, stderr: expect.stringMatching(stderr) });
    }
    // An answer without any database has no rows to read.
    await queryInflux(influx.url, 'CREATE DATABASE "other"');
    const databases = await queryInflux(influx.url, "SHOW DATABASES");
    expect(databases.map(({ name }) => name)).not.toContain("edgewatt");
    await run(["import", "good.lp"]);
    const unknown: readonly (readonly [number, RegExp, ...string[]])[] = [
      [2, /--measurement watts: known are power, .*run_event/, "--measurement", "watts,power"],
      [1, /policy not found: nope; `edgewatt database show` lists/, "--policy", "nope"],
      [1, /no files of telemetry in .*; without --files the database is read/, "--files"],
    ];
    for (const [exitCode, stderr, ...flags] of unknown) {
      const exported = await run(["export", "--out", "none.lp", ...flags]);
      expect({ flags, ...exported }).toMatchObject({ flags, exitCode, stderr: expect.stringMatching(stderr) });
    }
    expect(await run(["import", "good.lp", "--policy", "nope"])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^edgewatt: .*policy not found: nope; .*\n$/),
    });
    expect((await readdir(dir.path)).filter((name) => name.startsWith("none.lp"))).toEqual([]);
  });
});
