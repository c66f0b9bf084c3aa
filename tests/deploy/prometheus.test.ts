import { readFile } from "node:fs/promises";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const ROOT = new URL("../../", import.meta.url);

async function read(file: string): Promise<string> {
  return readFile(new URL(file, ROOT), "utf8");
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

async function rules(): Promise<readonly Rule[]> {
  const { groups } = parse(await read("deploy/prometheus/alerts.yml")) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

/** Names of the metrics in an expression; `undefined` where Prometheus' grammar does not accept it. */
function metricsIn(expression: string): string[] | undefined {
  const names: string[] = [];
  let broken = false;
  parser.parse(expression).iterate({
    enter({ type, name, from, to }) {
      broken ||= type.isError;
      if (name === "Identifier") names.push(expression.slice(from, to));
    },
  });
  return broken ? undefined : names;
}

describe("deploy/prometheus", () => {
  it("has alerts that parse, on metrics that are described, of which a test of the services holds the list", async () => {
    expect(metricsIn("increase(x[5m] > 0")).toBeUndefined();
    const page = await read("docs/how-to/monitoring.md");
    const known = new Set([...page.matchAll(/^\| `(edgewatt_\w+)/gm)].map(([, name]) => name));
    const alerts = await rules();
    expect(alerts.length).toBeGreaterThan(5);
    const used = alerts.map(({ alert, expr }) => [alert, metricsIn(expr)] as const);
    expect(used.filter(([, names]) => names === undefined || names.length === 0)).toEqual([]);
    const unknown = used.flatMap(([, names = []]) => names).filter((name) => name !== "up" && !known.has(name));
    expect(unknown).toEqual([]);
    expect(alerts.filter(({ annotations }) => !annotations.summary.includes("$labels.instance"))).toEqual([]);
  });

  it("scrapes every port that the containers open for it, under the name of its service", async () => {
    const { scrape_configs: jobs, rule_files: files } = parse(await read("deploy/prometheus/prometheus.yml")) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
      rule_files: string[];
    };
    const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets));
    const { services } = parse(await read("docker-compose.yml"), { merge: true }) as {
      services: Record<string, { command?: readonly string[] }>;
    };
    const open = Object.entries(services).flatMap(([name, { command = [] }]) => {
      const [, port] = /--metrics-port[ =](\d+)/.exec(command.join(" ")) ?? [];
      return port === undefined ? [] : [`${name}:${port}`];
    });
    expect(open).toHaveLength(4);
    expect(new Set(targets)).toEqual(new Set(open));
    for (const file of files) await read(`deploy/prometheus/${file}`);
  });
});
