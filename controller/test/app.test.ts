import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TempDir, tempDir } from "@edgewatt/testing";
import { runHere } from "./run-app.ts";

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir[Symbol.asyncDispose]());

const run = (args: readonly string[], env?: NodeJS.ProcessEnv) =>
  runHere(args, { cwd: dir.path, ...(env === undefined ? {} : { env }) });

const COMMANDS = [
  ["up"],
  ["demo"],
  ["devices"],
  ["devices", "show"],
  ["models"],
  ["models", "show"],
  ["models", "add"],
  ["datasets"],
  ["datasets", "fetch"],
  ["datasets", "path"],
  ["quantize"],
  ["prune"],
  ["sensitivity"],
  ["benchmark"],
  ["sweep"],
  ["runs"],
  ["runs", "show"],
  ["cancel"],
  ["report"],
  ["dashboards", "build"],
  ["doctor"],
  ["database", "setup"],
  ["database", "show"],
  ["database", "recompute"],
  ["export"],
  ["import"],
];

describe("help", () => {
  it.each(COMMANDS)("of %s %s is on stdout, names --json and its variable", async (...command) => {
    const { exitCode, stdout, stderr } = await run([...command.filter((word) => word !== undefined), "--help"]);
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/--json[^-]*EDGEWATT_JSON/);
  });

  it("of the program names every command", async () => {
    const { stdout } = await run(["--help"]);
    for (const name of [...COMMANDS.map(([first]) => first), "broker", "ingest", "agent", "hub"]) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
  });
});

describe("wrong usage", () => {
  it.each([
    ["an unknown command", ["bench"], /unknown command 'bench'/],
    ["an unknown flag", ["models", "--nmae", "x"], /unknown option '--nmae'/],
    ["a missing argument", ["benchmark"], /missing required argument 'models'/],
    ["a number that is none", ["up", "--mqtt-port", "70000"], /--mqtt-port.*from 0 to 65535/],
    ["an unknown precision", ["benchmark", "p05", "--precisions", "fp16"], /expected fp32 or int8/],
    [
      "an unknown format",
      ["quantize", "p05", "--format", "u8u8"],
      /'u8u8' is invalid: Allowed choices are u8s8, s8s8; see edgewatt --help$/m,
    ],
    [
      "--on with --local",
      ["quantize", "--local", "a.onnx", "b.onnx", "--on", "pi-1"],
      /--on and --timeout are for devices/,
    ],
    [
      "a data set that is not here, for a file",
      ["quantize", "--local", "a.onnx", "b.onnx", "--calibration", "cifar10", "--datasets", "nowhere"],
      /data set cifar10 is not here: download it/,
    ],
    ["an unknown level", ["benchmark", "p05", "--graph-optimization", "most"], /Allowed choices are disabled, basic/],
    ["a batch of nothing", ["benchmark", "p05", "--batch", "0"], /--batch.*from 1 to 1024/],
    ["a half-width of zero", ["benchmark", "p05", "--target-half-width", "0"], /expected a number from 0.001 to 100/],
    ["too many windows", ["sweep", "--max-windows", "101"], /--max-windows.*from 1 to 100/],
    ["both names of windows", ["benchmark", "p05", "--repeat", "3", "--windows", "3"], /cannot be used with/],
    ["an unknown model", ["models", "show", "resnet"], /no model resnet: known are mobilenetv1-cifar10-p00, /],
    ["an unknown data set", ["datasets", "path", "imagenet"], /no data set imagenet: known are cifar10/],
    ["--local with one file", ["quantize", "--local", "a.onnx", "--calibration", "synthetic"], /takes two files/],
    ["--local without calibration", ["quantize", "--local", "a.onnx", "b.onnx"], /needs --calibration/],
    ["--verify without --local", ["quantize", "p05", "--verify"], /--verify go with --local/],
    ["--mean without --local", ["quantize", "p05", "--mean", "0.5"], /go with --local/],
    [
      "options that exclude each other, for a device",
      ["quantize", "p05", "--parity", "ort", "--techniques", "equalization"],
      /these options do not go together: parity/,
    ],
    [
      "options that exclude each other, for a file",
      ["quantize", "--local", "a.onnx", "b.onnx", "--calibration", "nowhere", "--sqnr", "30", "--method", "mse"],
      /these options do not go together: a search/,
    ],
    [
      "a percentile without its method",
      ["sensitivity", "--local", "a.onnx", "--calibration", "synthetic", "--percentile", "99"],
      /a percentile goes with/,
    ],
    ["prune without a fraction", ["prune", "p05"], /needs --fraction/],
    ["a fraction that cannot be", ["prune", "p05", "--fraction", "1"], /--fraction.*from 0 to 0\.99/],
    ["an unknown alignment", ["prune", "p05", "--fraction", "0.3", "--align", "4"], /Allowed choices are 16, 8, 1/],
    ["a deviation of nothing", ["prune", "p05", "--fraction", "0.3", "--std", "0"], /cannot be asked for that: std/],
    [
      "one name for two models",
      ["prune", "p05", "p10", "--fraction", "0.3", "--name", "mine"],
      /--name mine is for one model, and 2 are to be pruned/,
    ],
    ["no images to repair from", ["prune", "p05", "--fraction", "0.3"], /name them with --calibration/],
    ["sensitivity --local without calibration", ["sensitivity", "--local", "a.onnx"], /needs --calibration/],
    ["--windows with --local", ["sensitivity", "--local", "a.onnx", "--windows", "1"], /are for devices/],
    ["a bad device id", ["up", "--device", "Pi 2"], /device id is 2 to 40/],
    ["a time limit of nothing", ["quantize", "p05", "--timeout", "0"], /--timeout.*from 0\.1 to 10080/],
    ["metrics ports beyond the last one", ["up", "--metrics-port", "65533"], /--metrics-port.*from 0 to 65532/],
    ["a database address that is none", ["up", "--influx", "influx:8086"], /expected an address such as http/],
    ["the same of doctor", ["doctor", "--influx", "influx:8086"], /expected an address such as http/],
    ["a budget that is too small", ["demo", "--budget", "1"], /--budget: even one window per row takes \d+ minutes/],
  ])("%s: exit code 2 and one line on stderr", async (_what, args, message) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect(stderr).toMatch(message);
    expect(
      stderr
        .trim()
        .split("\n")
        .filter((line) => line.startsWith("edgewatt: ")),
    ).toHaveLength(1);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
  });

  it("names every variable that cannot be used", async () => {
    const { exitCode, stderr } = await run(["benchmark", "p05"], {
      EDGEWATT_WINDOWS: "many",
      EDGEWATT_QUICK: "perhaps",
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/EDGEWATT_WINDOWS: expected a whole number/);
    expect(stderr).toMatch(/EDGEWATT_QUICK: expected true or false/);
  });
});

describe("environment", () => {
  it("stands in for a flag that is not given", async () => {
    const { stdout } = await run(["models"], { EDGEWATT_JSON: "true" });
    expect(JSON.parse(stdout).models).toHaveLength(6);
  });

  it("can say no", async () => {
    const { stdout } = await run(["models"], { EDGEWATT_JSON: "0" });
    expect(stdout).toMatch(/^NAME/);
  });

  it("gives way to the flag", async () => {
    const { stdout } = await run(["datasets", "--json", "--datasets", "mine"], { EDGEWATT_DATASETS: "theirs" });
    expect(JSON.parse(stdout).searched[0]).toBe(`${dir.path}/mine`);
  });
});

describe("without a stack", () => {
  it.each([
    ["devices"],
    ["runs"],
    ["report"],
    ["benchmark", "p40"],
    ["quantize", "p40"],
    ["prune", "p40", "--fraction", "0.3", "--calibration", "synthetic"],
    ["sensitivity", "p40"],
    ["sweep"],
    ["cancel", "x"],
  ])("%s %s says how to start one and exits with 3", async (...args) => {
    const { exitCode, stdout, stderr } = await run([...args.filter((word) => word !== undefined), "--json"]);
    expect(stderr).toMatch(/^edgewatt: no stack runs on the data folder .*edgewatt up.*\n$/);
    expect(exitCode).toBe(3);
    expect(stdout).toBe("");
  });

  it("a broker that is not there is named", async () => {
    const { exitCode, stderr } = await run(["devices", "--broker", "mqtt://127.0.0.1:1"]);
    expect(stderr).toMatch(/^edgewatt: no broker at mqtt:\/\/127\.0\.0\.1:1 .*\n$/);
    expect(exitCode).toBe(3);
  });

  it("an address that is none is wrong usage", async () => {
    const { exitCode, stderr } = await run(["devices", "--broker", "localhost"]);
    expect(stderr).toMatch(/--broker: localhost is no broker address/);
    expect(exitCode).toBe(2);
  });
});

describe("doctor", () => {
  it("judges every part and prints one document", async () => {
    const { exitCode, stdout } = await run(["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout);
    expect(ok).toBe(true);
    expect(exitCode).toBe(0);
    expect(checks.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["node", "i2c", "governor", "throttling", "clock", "influxd", "broker", "data set"]),
    );
    for (const { status, advice } of checks) if (status !== "ok") expect(advice).toBeTruthy();
  });

  it("fails when the named broker does not answer", async () => {
    const { exitCode, stdout } = await run(["doctor", "--json", "--broker", "mqtt://127.0.0.1:1"]);
    expect(JSON.parse(stdout).checks).toContainEqual(expect.objectContaining({ name: "broker", status: "fail" }));
    expect(exitCode).toBe(1);
  });
});
