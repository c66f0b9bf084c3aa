import { writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { commonConfig, portNumber } from "../src/common-config.ts";
import { loadConfig } from "../src/config.ts";
import { ConfigError } from "../src/errors.ts";
import { helpText } from "../src/help-text.ts";

const schema = z.strictObject({
  mqttPort: portNumber.default(1883).describe("port of the broker"),
  wsPort: portNumber.optional(),
  device: z.string().min(1).optional().describe("id of this device"),
  strict: z.boolean().default(true),
  channels: z.array(z.string()).default([]),
  rates: z.array(z.number().positive()).default([]),
  power: z.array(z.strictObject({ address: z.number().int(), name: z.string() })).optional(),
  logLevel: commonConfig.logLevel,
});

const NOWHERE = "/nonexistent-folder";

function load(options: { argv?: string[]; env?: NodeJS.ProcessEnv; cwd?: string }) {
  const { argv = [], env = {}, cwd = NOWHERE } = options;
  return loadConfig({ section: "agent", schema, argv, env, cwd });
}

function issuesOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  return [];
}

async function folderWith(yaml: string) {
  const dir = await tempDir();
  await writeFile(path.join(dir.path, "edgewatt.yaml"), yaml);
  return dir;
}

describe("loadConfig", () => {
  it("fills in defaults", () => {
    expect(load({})).toEqual({ mqttPort: 1883, strict: true, channels: [], rates: [], logLevel: "info" });
  });

  it("leaves keys of the section alone that another command reads, and no other", async () => {
    await using dir = await folderWith("agent:\n  device: one\n  grafana: x\n  grafanna: y\n");
    const read = (otherKeys: string[]) => {
      const where = { argv: [], env: {}, cwd: dir.path };
      return loadConfig({ section: "agent", schema, ...where, otherKeys });
    };
    expect(issuesOf(() => read(["grafana", "device"]))).toEqual([
      "edgewatt.yaml agent.grafanna: unknown key; --help lists the known ones",
    ]);
    expect(read(["grafana", "grafanna", "device"])).toMatchObject({ device: "one" });
  });

  it("lets flags win over the environment, that over the file, and that over defaults", async () => {
    await using dir = await folderWith("agent:\n  mqttPort: 1\n  wsPort: 1\n  device: one\n");
    const config = load({
      cwd: dir.path,
      env: { EDGEWATT_WS_PORT: "2", EDGEWATT_DEVICE: "two" },
      argv: ["--device", "three"],
    });
    expect(config).toMatchObject({ mqttPort: 1, wsPort: 2, device: "three" });
  });

  it("reads each value alike from flag, variable and file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          mqttPort: fc.integer({ min: 0, max: 65_535 }),
          strict: fc.boolean(),
          device: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
          rates: fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 4 }),
        }),
        async (value) => {
          const { mqttPort, strict, device, rates } = value;
          const flags = load({
            argv: [
              `--mqtt-port=${mqttPort}`,
              strict ? "--strict" : "--no-strict",
              "--device",
              device,
              "--rates",
              rates.join(","),
            ],
          });
          const variables = load({
            env: {
              EDGEWATT_MQTT_PORT: `${mqttPort}`,
              EDGEWATT_STRICT: `${strict}`,
              EDGEWATT_DEVICE: device,
              EDGEWATT_RATES: rates.join(","),
            },
          });
          await using dir = await folderWith(JSON.stringify({ agent: value }));
          expect(flags).toMatchObject(value);
          expect(variables).toEqual(flags);
          expect(load({ cwd: dir.path })).toEqual(flags);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("adds up a list flag that is repeated", () => {
    expect(load({ argv: ["--channels", "a, b", "--channels=c"] }).channels).toEqual(["a", "b", "c"]);
  });

  it("takes a negative number as a value, not as a flag", () => {
    expect(issuesOf(() => load({ argv: ["--mqtt-port", "-1"] }))).toEqual(["--mqtt-port: expected at least 0"]);
  });

  it("takes nested objects from the file and from nowhere else", async () => {
    await using dir = await folderWith("agent:\n  power:\n    - { address: 64, name: main }\n");
    expect(load({ cwd: dir.path }).power).toEqual([{ address: 64, name: "main" }]);
    expect(issuesOf(() => load({ env: { EDGEWATT_POWER: "64" } }))).toEqual([
      expect.stringMatching(/^EDGEWATT_POWER: .*file/),
    ]);
    expect(issuesOf(() => load({ argv: ["--power=64"] }))).toEqual([expect.stringMatching(/^--power: unknown flag/)]);
  });

  it("reports every problem at once, each with the place it comes from", async () => {
    await using dir = await folderWith(
      "agent:\n  colour: red\n  power:\n    - { address: high, name: main, gain: 2 }\nbroker:\n  anything: 1\n",
    );
    const issues = issuesOf(() =>
      load({
        cwd: dir.path,
        env: { EDGEWATT_WS_PORT: "70000", EDGEWATT_OTHER: "x" },
        argv: ["--mqtt-port", "many", "--nope", "3", "stray", "--device"],
      }),
    );
    const origins = issues.map((issue) => issue.slice(0, issue.indexOf(": ")));
    expect(origins.toSorted()).toEqual(
      [
        "edgewatt.yaml agent.colour",
        "edgewatt.yaml agent.power[0].address",
        "edgewatt.yaml agent.power[0].gain",
        "EDGEWATT_WS_PORT",
        "--mqtt-port",
        "--nope",
        "stray",
        "--device",
      ].toSorted(),
    );
  });

  describe("with named items of several kinds, as meters are", () => {
    const meter = z.discriminatedUnion("source", [
      z.strictObject({ source: z.literal("ina219"), bus: z.number().default(1), address: z.number().optional() }),
      z.strictObject({ source: z.literal("rapl") }),
    ]);
    const meters = z.record(z.string().regex(/^[a-z]+$/, "expected lower case"), meter).optional();
    const problemsOf = async (yaml: string) => {
      await using dir = await folderWith(`agent:\n  meters:\n    ${yaml}\n`);
      const act = () =>
        loadConfig({ section: "agent", schema: z.strictObject({ meters }), argv: [], env: {}, cwd: dir.path });
      return issuesOf(act).map((issue) => issue.replace("edgewatt.yaml agent.meters", ""));
    };

    it.each([
      ["main: { source: ina2l9 }", '.main.source: expected one of ina219, rapl, not "ina2l9"'],
      ["main: { sorce: ina219 }", ".main.source: is required: one of ina219, rapl"],
      ["main: { source: ina219, addres: 64 }", ".main.addres: unknown key; known are source, bus, address"],
      ["main: { source: rapl, bus: 1 }", ".main.bus: unknown key; known are source"],
      ["main: { source: ina219, bus: one }", ".main.bus: expected a number, not text"],
      ["Main: { source: rapl }", ".Main: this name cannot be used: expected lower case"],
      ["main: ina219", ".main: expected keys and values, not text"],
      ["- source: ina219", ": expected keys and values, not a list"],
    ])("names what is wrong with `%s` and what may stand there", async (yaml, problem) => {
      expect(await problemsOf(yaml)).toEqual([problem]);
    });
  });

  it("says how to give a value that is required", () => {
    const act = () =>
      loadConfig({
        section: "agent",
        schema: z.strictObject({ deviceId: z.string() }),
        argv: [],
        env: {},
        cwd: NOWHERE,
      });
    expect(issuesOf(act)).toEqual(["--device-id: is required: pass --device-id or set EDGEWATT_DEVICE_ID"]);
  });

  it("finds the file by flag before variable, and says when a named one is missing", async () => {
    await using flagged = await folderWith("agent: { device: flagged }");
    await using named = await folderWith("agent: { device: named }");
    const file = (dir: { path: string }) => path.join(dir.path, "edgewatt.yaml");
    const env = { EDGEWATT_CONFIG: file(named) };
    expect(load({ env }).device).toBe("named");
    expect(load({ env, argv: ["--config", file(flagged)] }).device).toBe("flagged");
    expect(issuesOf(() => load({ argv: ["--config=gone.yaml"] }))).toEqual([
      expect.stringMatching(/^gone\.yaml: cannot be read \(ENOENT\)/),
    ]);
  });

  it("refuses a file that is not YAML, or not made of sections", async () => {
    await using broken = await folderWith("agent: [1\n");
    await using list = await folderWith("- 1\n");
    await using scalar = await folderWith("agent: 5\n");
    await using alias = await folderWith("agent: { device: *main }\n");
    expect(issuesOf(() => load({ cwd: broken.path }))[0]).toMatch(/^edgewatt\.yaml: .*line/);
    expect(issuesOf(() => load({ cwd: list.path }))).toEqual([expect.stringContaining("one section per service")]);
    expect(issuesOf(() => load({ cwd: scalar.path }))).toEqual(["edgewatt.yaml agent: expected keys and values"]);
    expect(issuesOf(() => load({ cwd: alias.path }))).toEqual([
      expect.stringMatching(/^edgewatt\.yaml: Unresolved alias/),
    ]);
  });
});

describe("helpText", () => {
  it("names every flag with its description and default, and keys that only the file has", () => {
    const text = helpText({ name: "edgewatt agent", section: "agent", schema, summary: "runs on each device" });
    expect(text).toMatch(/--mqtt-port NUMBER +port of the broker \(default 1883\)/);
    expect(text).toMatch(/--device VALUE +id of this device\n/);
    expect(text).toContain("--[no-]strict");
    expect(text).toContain("agent.power");
    expect(text).not.toContain("--power");
  });
});
