import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand as run, tempDir } from "@edgewatt/testing";
import { runCommand } from "../src/command.ts";
import { generate } from "../src/generate.ts";

const BIN = new URL("../bin/edgewatt-dashboards.js", import.meta.url);

describe("edgewatt dashboards build", () => {
  it("writes the files and names them", async () => {
    await using dir = await tempDir();
    const out = path.join(dir.path, "new", "folder");
    const { code, stdout } = await run(BIN, ["build", "--out", out, "--json"]);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { out: string; files: string[]; contact: null };
    expect(document).toEqual({ out, files: generate().map((file) => path.join(out, file.path)), contact: null });
    for (const [index, file] of document.files.entries()) {
      expect(await readFile(file, "utf8")).toBe(generate()[index]?.content);
    }
  });

  it("writes to reports/grafana unless told, and says that nobody will be told of alerts", async () => {
    await using dir = await tempDir();
    const { code, stdout, stderr } = await run(BIN, ["build"], { cwd: dir.path });
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toBe(path.join("reports", "grafana", "dashboards", "live-power.json"));
    await readFile(path.join(dir.path, "reports/grafana/dashboards/live-power.json"));
    expect(stderr).toBe(
      "edgewatt dashboards: no contact point: Grafana lists alerts and tells nobody; pass --contact and --contact-address\n",
    );
  });

  it("takes limits and the contact from flags, environment and file", async () => {
    await using dir = await tempDir();
    // The section is that of push too.
    await writeFile(
      path.join(dir.path, "edgewatt.yaml"),
      "dashboards:\n  energyWorsePct: 25\n  contact: webhook\n  grafana: http://127.0.0.1:3000\n",
    );
    const said: string[] = [];
    const out = path.join(dir.path, "out");
    const code = await runCommand(["build", "--out", out, "--power-limits", "pi-1=8.5"], {
      cwd: dir.path,
      env: { EDGEWATT_CONTACT_ADDRESS: "https://hooks.example.org/secret", EDGEWATT_SILENT_AFTER_S: "300" },
      print: () => {},
      say: (line) => void said.push(line),
    });
    expect({ code, said }).toEqual({ code: 0, said: [] });
    const text = (name: string) => readFile(path.join(dir.path, "out/provisioning/alerting", name), "utf8");
    const rules = await text("rules.yaml");
    expect(rules).toContain("over its limit of 8.5 W");
    expect(rules).toContain("time(300s)");
    expect(rules).toMatch(/type: gt\n +params:\n +- 25\n/);
    expect(await text("contact-points.yaml")).toContain("url: https://hooks.example.org/secret");
    expect(await text("policies.yaml")).toContain("receiver: edgewatt");
  });

  it("removes the contact of an earlier build, and nothing that somebody else has put there", async () => {
    await using dir = await tempDir();
    const alerting = path.join(dir.path, "provisioning", "alerting");
    const built = (...args: string[]) => run(BIN, ["build", "--out", dir.path, ...args]);
    expect((await built("--contact", "email", "--contact-address", "a@example.org")).code).toBe(0);
    expect(await readdir(alerting)).toEqual(["contact-points.yaml", "policies.yaml", "rules.yaml"]);
    await writeFile(path.join(alerting, "policies.yaml"), "# ours\n");
    expect((await built()).code).toBe(0);
    expect(await readdir(alerting)).toEqual(["policies.yaml", "rules.yaml"]);
  });

  it.each([
    [[], "no command: expected build or push"],
    [["publish"], "publish: expected build or push"],
    [["build", "more"], "more: unexpected argument"],
    [["build", "--nonsense"], "--nonsense: unknown flag"],
    [["build", "--grafana", "http://x"], "--grafana: unknown flag"],
    [["build", "--power-limits", "PI=3"], "expected DEVICE=WATTS"],
    [["build", "--power-limits", "pi-1="], "expected DEVICE=WATTS"],
    [["build", "--power-limits", "pi-1=3,pi-1=4"], "a device is there twice"],
    [["build", "--power-limit-w", "0"], "--power-limit-w: expected more than 0"],
    [["build", "--contact", "email"], "--contact-address: is required with --contact email"],
    [["build", "--contact-address", "a@example.org"], "--contact: is required with --contact-address"],
    [["build", "--contact", "pigeon"], "--contact: "],
    [["build", "--contact", "email", "--contact-address", "nobody"], "--contact-address: expected e-mail addresses"],
    [["build", "--contact", "slack", "--contact-address", "secret-word"], "--contact-address: expected a URL"],
    [["build", "--contact", "slack", "--contact-address", "https://x.org/$A"], "--contact-address: expected no $"],
  ])("refuses the arguments %j", async (args, problem) => {
    await using dir = await tempDir();
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    const refused = runCommand(args, { env: {}, cwd: dir.path, print, say: print });
    await expect(refused).rejects.toMatchObject({ name: "ConfigError", message: expect.stringContaining(problem) });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("secret-word") });
    expect(printed).toEqual([]);
  });

  it("ends with 2 after wrong usage, a line for each problem, and writes nothing", async () => {
    await using dir = await tempDir();
    const { code, stdout, stderr } = await run(BIN, ["build", "--nonsense", "--power-limit-w", "-1"], {
      cwd: dir.path,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^(edgewatt dashboards: --.+\n){2}$/);
    expect(await readdir(dir.path)).toEqual([]);
  });

  it("says which file it cannot write", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "file"), "");
    const { code, stderr } = await run(BIN, ["build", "--out", path.join(dir.path, "file")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^edgewatt dashboards: cannot write .*pass --out DIR\n$/);
  });

  it("helps", async () => {
    const main = await run(BIN, ["--help"]);
    expect(main).toMatchObject({ code: 0, stdout: expect.stringMatching(/build .*\n.*push /) });
    const build = await run(BIN, ["build", "--help"]);
    expect(build).toMatchObject({ code: 0, stdout: expect.stringMatching(/--out VALUE[^]*--contact/) });
  });
});
