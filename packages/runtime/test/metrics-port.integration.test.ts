import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  eventually,
  figure,
  runCommand,
  scrape,
  type SpawnedService,
  spawnService,
  startChild,
} from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";

const FIXTURE = fileURLToPath(new URL("fixtures/service.mjs", import.meta.url));
const services: SpawnedService[] = [];

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop("SIGKILL")));
});

async function start(...args: string[]): Promise<SpawnedService> {
  const service = await spawnService(FIXTURE, ["--metrics-port", "0", ...args]);
  services.push(service);
  return service;
}

function health(url: string): Promise<Response> {
  return fetch(new URL("/health", url));
}

describe("--metrics-port", () => {
  it("is off unless it is asked for", async () => {
    const service = await spawnService(FIXTURE, []);
    services.push(service);
    expect(service.ready).not.toHaveProperty("metrics");
  });

  it("shows a service's figures of this moment beside those of its process, on loopback", async () => {
    const { ready, child } = await start();
    expect(ready["metrics"]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const first = await scrape(ready["metrics"]);
    expect(first.get("edgewatt_fixture_scrapes_total")).toMatchObject({
      type: "counter",
      help: 'Scrapes of this "fixture"',
    });
    expect(figure(first, "edgewatt_fixture_scrapes_total")).toBe(1);
    expect(figure(first, "edgewatt_fixture_pid")).toBe(child.pid);
    expect(figure(first, "edgewatt_fixture_refused_total", "too large")).toBe(1);
    expect(figure(first, "edgewatt_fixture_queue", "first")).toBe(7);
    for (const name of [
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "nodejs_eventloop_lag_max_seconds",
    ]) {
      expect(figure(first, name)).toBeGreaterThan(0);
    }
    const second = await scrape(ready["metrics"]);
    expect(figure(second, "edgewatt_fixture_scrapes_total")).toBe(2);
    // What is not there any more is not shown for ever.
    expect(second.get("edgewatt_fixture_queue")?.values.size).toBe(0);
  });

  it("shows a histogram that the service has counted itself", async () => {
    const { ready } = await start();
    const text = await (await fetch(ready["metrics"])).text();
    const lines = text.split("\n").filter((line) => line.includes("edgewatt_fixture_write_seconds"));
    expect(lines).toEqual([
      "# HELP edgewatt_fixture_write_seconds Time of a write",
      "# TYPE edgewatt_fixture_write_seconds histogram",
      'edgewatt_fixture_write_seconds_bucket{le="0.1"} 2',
      'edgewatt_fixture_write_seconds_bucket{le="1"} 4',
      'edgewatt_fixture_write_seconds_bucket{le="+Inf"} 5',
      "edgewatt_fixture_write_seconds_sum 1.25",
      "edgewatt_fixture_write_seconds_count 5",
    ]);
    expect((await scrape(ready["metrics"])).get("edgewatt_fixture_write_seconds")?.type).toBe("histogram");
  });

  it("leaves out figures that nobody has", async () => {
    const { ready } = await start();
    const metrics = await scrape(ready["metrics"]);
    expect(metrics.get("edgewatt_fixture_unknown_seconds")?.values.size).toBe(0);
    expect(metrics.get("edgewatt_fixture_infinite_seconds")?.values.size).toBe(0);
    expect([...(metrics.get("edgewatt_fixture_refused_total")?.values.keys() ?? [])]).toEqual(["too large"]);
  });

  it("tells by /health whether the service does its work, and why not", async () => {
    const { ready } = await start();
    const good = await health(ready["metrics"]);
    expect([good.status, await good.json()]).toEqual([200, { state: "ready", uptimeS: expect.any(Number) }]);
    await scrape(ready["metrics"]);
    await scrape(ready["metrics"]);
    const bad = await health(ready["metrics"]);
    expect([bad.status, await bad.json()]).toEqual([
      503,
      { state: "holding", reason: "enough", uptimeS: expect.any(Number) },
    ]);
  });

  it("answers from before the service is ready until after it has stopped", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    taken.close();
    await once(taken, "close");
    const url = `http://127.0.0.1:${port}/metrics`;
    const starting = startChild(process.execPath, [FIXTURE, "--metrics-port", String(port), "--startup", "wait"]);
    await eventually(async () => expect((await health(url)).status).toBe(503));
    expect(await (await health(url)).json()).toMatchObject({ state: "starting" });
    expect(figure(await scrape(url), "process_resident_memory_bytes")).toBeGreaterThan(0);
    expect(await starting.stop("SIGTERM")).toEqual({ code: 0, signal: null });

    const hanging = await start("--stop", "hang");
    hanging.child.kill("SIGTERM");
    await eventually(async () =>
      expect(await (await health(hanging.ready["metrics"])).json()).toMatchObject({ state: "stopping" }),
    );
    expect(figure(await scrape(hanging.ready["metrics"]), "edgewatt_fixture_scrapes_total")).toBe(1);
  });

  it("does not keep a service from ending, also one whose stop fails", async () => {
    const kept = await start("--stop", "throw");
    await fetch(kept.ready["metrics"]);
    expect(await kept.stop("SIGTERM")).toEqual({ code: 1, signal: null });
  });

  it("refuses what is no question, and a figure that cannot be read is an error, not a zero", async () => {
    const { ready, stderr } = await start("--metrics", "throw");
    expect((await fetch(new URL("/", ready["metrics"]))).status).toBe(404);
    expect((await fetch(ready["metrics"], { method: "POST" })).status).toBe(405);
    const head = await fetch(new URL("/health", ready["metrics"]), { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(ready["metrics"])).status).toBe(500);
    await eventually(() => expect(stderr()).toContain("a figure is missing"));
  });

  it("says what to do when the port is taken, and exits 1 before anything has started", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const result = await runCommand(FIXTURE, ["--json", "--metrics-port", String(port), "--startup", "bug"]);
    taken.close();
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toBe(
      `edgewatt fixture: port ${port} on 127.0.0.1 is in use: stop the other program or pass --metrics-port 0 for a free one\n`,
    );
  });

  it("listens beyond loopback only when it may, and warns", async () => {
    const refused = await runCommand(FIXTURE, ["--metrics-port", "0", "--listen", "0.0.0.0"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^edgewatt fixture: --listen: 0\.0\.0\.0 .*--insecure/);
    const allowed = await start("--listen", "0.0.0.0", "--insecure");
    expect(allowed.ready["metrics"]).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/metrics$/);
    await eventually(() => expect(allowed.stderr()).toContain("the metrics can be read by whoever reaches"));
  });
});
