import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { generate } from "../src/generate.ts";
import { loadDashboards } from "./grafana.ts";
import { lint } from "./lint/lint.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COMMITTED = path.join(ROOT, "deploy", "grafana");

describe("the committed files", () => {
  it("are what `dashboards build --out deploy/grafana` writes", async () => {
    const committed = (await readdir(COMMITTED, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(COMMITTED, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"));
    expect(committed.toSorted()).toEqual(
      generate()
        .map((file) => file.path)
        .toSorted(),
    );
    for (const file of generate()) {
      expect(await readFile(path.join(COMMITTED, file.path), "utf8")).toBe(file.content);
    }
  });

  it("hold no password", () => {
    const datasources = generate().find((file) => file.path === "provisioning/datasources/edgewatt.yaml");
    expect(parse(datasources?.content ?? "")).toMatchObject({
      datasources: [{ type: "influxdb", secureJsonData: { password: "${EDGEWATT_INFLUX_READ_PASSWORD}" } }],
    });
  });
});

it("the dashboards have nothing that the linter complains of, with the refresh that compose allows", async () => {
  const compose = await readFile(path.join(ROOT, "docker-compose.yml"), "utf8");
  const minRefreshS = Number(/GF_DASHBOARDS_MIN_REFRESH_INTERVAL: (\d+)s/.exec(compose)?.[1]);
  expect(lint(loadDashboards(), { minRefreshS })).toEqual([]);
});
