import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand as run, tempDir } from "@edgewatt/testing";
import { generate } from "../src/generate.ts";

const BIN = new URL("../bin/edgewatt-dashboards.js", import.meta.url);

describe("edgewatt dashboards build", () => {
  it("writes the files and names them", async () => {
    await using dir = await tempDir();
    const out = path.join(dir.path, "new", "folder");
    const { code, stdout } = await run(BIN, ["build", "--out", out, "--json"]);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { out: string; files: string[] };
    expect(document).toEqual({ out, files: generate().map((file) => path.join(out, file.path)) });
    for (const [index, file] of document.files.entries()) {
      expect(await readFile(file, "utf8")).toBe(generate()[index]?.content);
    }
  });

  it("writes to reports/grafana unless told", async () => {
    await using dir = await tempDir();
    const { code, stdout } = await run(BIN, ["build"], { cwd: dir.path });
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toBe(path.join("reports", "grafana", "dashboards", "live-power.json"));
    await readFile(path.join(dir.path, "reports/grafana/dashboards/live-power.json"));
  });

  it.each([[[]], [["push"]], [["build", "more"]], [["build", "--nonsense"]]])(
    "refuses the arguments %j in one line",
    async (args) => {
      const { code, stdout, stderr } = await run(BIN, args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^edgewatt dashboards: .*expected build \[--out DIR\] \[--json\]\n$/);
    },
  );

  it("says which file it cannot write", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "file"), "");
    const { code, stderr } = await run(BIN, ["build", "--out", path.join(dir.path, "file")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^edgewatt dashboards: cannot write .*pass --out DIR\n$/);
  });

  it("helps", async () => {
    const { code, stdout } = await run(BIN, ["--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("--out DIR");
  });
});
