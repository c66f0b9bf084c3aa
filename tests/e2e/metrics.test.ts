import { createServer } from "node:net";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { eventually, scrape, type SpawnedService, tempDir, TestingError } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { processesOn, startUp } from "../edgewatt.ts";

const PARTS = ["broker", "hub", "ingest", "agent"];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

function urls({ ready }: SpawnedService): Record<string, string> {
  return ready["metrics"] as Record<string, string>;
}

describe("up --metrics-port", () => {
  it("gives each part a free port, which it has again after a crash", async () => {
    await using dir = await tempDir();
    const stack = await startUp({ dir: dir.path }, ["--metrics-port", "0"]);
    try {
      expect(Object.keys(urls(stack))).toEqual(PARTS);
      expect(JSON.parse(await readFile(path.join(dir.path, "stack.json"), "utf8"))).toMatchObject({
        metrics: urls(stack),
      });
      for (const [part, url] of Object.entries(urls(stack))) {
        const metrics = await scrape(url);
        expect([...metrics.keys()].some((name) => name.startsWith(`edgewatt_${part}_`))).toBe(true);
      }
      const ingest = (await processesOn(dir.path)).find(({ commandLine }) => commandLine.includes("edgewatt-ingest"));
      process.kill(ingest?.pid ?? Number.NaN, "SIGKILL");
      await eventually(async () => {
        const again = await processesOn(dir.path);
        const found = again.find(({ commandLine }) => commandLine.includes("edgewatt-ingest"));
        expect(found?.pid).not.toBe(ingest?.pid);
        expect((await scrape(urls(stack)["ingest"] ?? "")).size).toBeGreaterThan(10);
      });
    } finally {
      await stack.stop();
    }
  });

  it("takes a port and the three after it, also when the environment says so", async () => {
    await using dir = await tempDir();
    // Others may hold one of the three.
    const start = async (): Promise<{ first: number; stack: SpawnedService }> => {
      for (let attempt = 1; ; attempt++) {
        const first = await freePort();
        try {
          const env = { EDGEWATT_METRICS_PORT: String(first) };
          return { first, stack: await startUp({ dir: dir.path, env }) };
        } catch (error) {
          if (!(error instanceof TestingError) || !error.message.includes("is in use") || attempt === 5) throw error;
        }
      }
    };
    const { first, stack } = await start();
    try {
      const ports = PARTS.map((part) => Number(new URL(urls(stack)[part] ?? "").port));
      expect(ports).toEqual([first, first + 1, first + 2, first + 3]);
    } finally {
      await stack.stop();
    }
  });
});
