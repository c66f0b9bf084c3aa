import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { queryInflux, requireSystem, startInfluxd, type TempDir, tempDir, type TestInfluxd } from "@edgewatt/testing";
import { runHere } from "../run-app.ts";

const influxd = requireSystem("influxd");

interface SetupDocument {
  readonly changed: boolean;
  readonly authenticated: boolean;
  readonly steps: readonly { readonly what: string; readonly statements: readonly string[] }[];
  readonly passwords: Readonly<Record<string, string>>;
}

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
});
afterAll(() => dir[Symbol.asyncDispose]());

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => runHere(args, { cwd: dir.path, env });

async function runJson<T>(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<T> {
  const { exitCode, stdout, stderr } = await run([...args, "--json"], env);
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as T;
}

describe.skipIf(influxd.skip)("edgewatt database on an influxd without authentication", () => {
  let influx: TestInfluxd;
  beforeAll(async () => {
    influx = await startInfluxd();
  });
  afterAll(() => influx.stop());

  it("prints the InfluxQL of a dry run, without passwords, and changes nothing", async () => {
    const { exitCode, stdout } = await run(["database", "setup", "--influx", influx.url, "--raw", "36h", "--dry-run"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('ALTER RETENTION POLICY "autogen" ON "edgewatt" DURATION 36h SHARD DURATION 1h;');
    expect(stdout).toMatch(
      /max\("watts_max"\) AS "watts_max".* INTO "edgewatt"\."minutes"\."power".*GROUP BY time\(1m\), \*/,
    );
    expect(stdout).toContain(`CREATE USER "grafana" WITH PASSWORD '…';`);
    expect(await runJson(["database", "show", "--influx", influx.url])).toMatchObject({ exists: false });
  });

  it("sets up, shows each generated password once, and says of the second run that nothing changed", async () => {
    const command = ["database", "setup", "--influx", influx.url];
    const first = await runJson<SetupDocument>(command);
    expect(first).toMatchObject({ changed: true, authenticated: false });
    expect(Object.keys(first.passwords)).toEqual(["ingest", "grafana"]);
    expect(JSON.stringify(first.steps)).not.toContain(first.passwords["grafana"]);
    expect(await runJson<SetupDocument>(command)).toMatchObject({ changed: false, steps: [], passwords: {} });
    const again = await run(command);
    expect(again.stdout).toBe("everything is set up already; nothing changed\n");
    expect(again.stderr).toMatch(/asks nobody who they are/);
    const altered = await run([...command, "--raw", "14d"]);
    expect(altered.stdout).toMatch(/retention policy autogen +7d in shards of 1d → +14d in shards of 1d/);
  });

  it("shows how it is set up, in words and as a document", async () => {
    const { stdout } = await run(["database", "show", "--influx", influx.url]);
    expect(stdout).toMatch(/autogen +14d +1d +as measured, the default/);
    expect(await runJson(["database", "show", "--influx", influx.url])).toMatchObject({
      exists: true,
      downsampled: true,
    });
  });

  it("computes means again for a stretch of time", async () => {
    const us = (Math.floor(Date.now() / 1000) - 7200) * 1_000_000;
    await fetch(`${influx.url}/write?db=edgewatt&precision=u`, {
      method: "POST",
      body: `power,device=pi-1 watts=2 ${us}`,
    });
    const command = ["database", "recompute", "--influx", influx.url, "--from", "3h", "--measurement", "power"];
    expect(await runJson(command)).toMatchObject({ values: { power: 2 } });
    expect(await queryInflux(influx.url, 'SELECT watts FROM "minutes"."power"')).toMatchObject([{ watts: 2 }]);
    expect(await run([...command.slice(0, -1), "watts"])).toMatchObject({ exitCode: 2 });
  });

  it("refuses to delete what is there, and says what to do", async () => {
    const { exitCode, stderr } = await run(["database", "setup", "--influx", influx.url, "--raw", "1h"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/would be deleted: keep them longer, or export/);
  });
});

describe.skipIf(influxd.skip)("edgewatt database on an influxd with authentication", () => {
  let influx: TestInfluxd;
  const admin = { EDGEWATT_ADMIN_USER: "root", EDGEWATT_ADMIN_PASSWORD: "root's" };

  beforeAll(async () => {
    vi.stubEnv("INFLUXDB_HTTP_AUTH_ENABLED", "true");
    influx = await startInfluxd();
    vi.unstubAllEnvs();
  });
  afterAll(() => influx.stop());

  it("creates its first administrator, takes passwords from the environment, and echoes none of them", async () => {
    const command = ["database", "setup", "--influx", influx.url];
    expect((await run(command)).stderr).toMatch(/no administrator yet: name one to create with --admin-user/);
    const env = { ...admin, EDGEWATT_WRITER_PASSWORD: "w-secret" };
    const { steps, passwords } = await runJson<SetupDocument>(command, env);
    expect(steps[0]).toMatchObject({ what: "user root" });
    expect(Object.keys(passwords)).toEqual(["grafana"]);
    expect(JSON.stringify(steps)).not.toMatch(/w-secret|root's/);
    const access = { EDGEWATT_INFLUX_USER: "ingest", EDGEWATT_INFLUX_PASSWORD: "w-secret" };
    expect(await runJson(["database", "show", "--influx", influx.url], access)).toMatchObject({ downsampled: true });
    expect(await runJson<SetupDocument>(command, env)).toMatchObject({ changed: false });
  });

  it("says which right is missing", async () => {
    const command = ["database", "setup", "--influx", influx.url];
    const wrong = await run(command, { ...admin, EDGEWATT_ADMIN_PASSWORD: "wrong" });
    expect(wrong).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /authorization failed; name a user that may with --admin-user, and EDGEWATT_ADMIN_PASSWORD/,
      ),
    });
    const reader = { EDGEWATT_ADMIN_USER: "ingest", EDGEWATT_ADMIN_PASSWORD: "w-secret" };
    const refused = await run([...command, "--raw", "5d"], reader);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/requires admin privilege/) });
  });
});

describe("edgewatt database without an InfluxDB 1.x", () => {
  let server: Server;
  let version: string;
  beforeAll(async () => {
    server = createServer((_request, response) => response.writeHead(204, { "x-influxdb-version": version }).end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => server.close());

  it.each([
    ["v2.7.1", /influx bucket create --retention/],
    ["3.4.0", /influxdb3 create database edgewatt --retention-period/],
  ])("says of %s what to do instead", async (found, advice) => {
    version = found;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exitCode, stderr } = await run(["database", "setup", "--influx", url]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(advice);
  });

  it("ends with 3 where nobody answers, or nobody is named", async () => {
    const nowhere = await run(["database", "show", "--influx", "http://127.0.0.1:2"]);
    expect(nowhere).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/cannot be reached \(ECONNREFUSED\)/) });
    const nobody = await run(["database", "show"]);
    expect(nobody).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(/name one with --influx/) });
  });

  it.each([
    [["--raw", "7"], /expected 1h or more/],
    [["--raw", "10m"], /expected 1h or more/],
    [["--influx", "localhost:8086"], /expected an address such as http/],
  ])("takes no %s", async (flags, message) => {
    const { exitCode, stderr } = await run(["database", "setup", ...flags]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
  });
});
