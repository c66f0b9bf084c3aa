import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { askHub } from "../../src/client/ask-hub.ts";

describe("asking the hub", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function hubThat(answers: Parameters<typeof createServer>[1]): Promise<string> {
    server = createServer(answers as never);
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("gives up on one that takes the question and says nothing, with the time it waited", async () => {
    const url = await hubThat(() => {});
    await expect(askHub(url, "/api/runs", 200)).rejects.toMatchObject({
      code: "hub-unreachable",
      message: `cannot read from the hub at ${url}/api/runs (no answer in 0.2 s): check that it runs and can be reached from here`,
    });
  });

  it("gives up on one that stops within its answer", async () => {
    const url = await hubThat((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"jobs":');
    });
    await expect(askHub(url, "/api/runs", 200)).rejects.toMatchObject({
      code: "hub-unreachable",
      message: expect.stringContaining("no answer in 0.2 s") as string,
    });
  });

  it("tells what is not there from what fails", async () => {
    const url = await hubThat((request, response) => {
      response.writeHead(request.url === "/api/none" ? 404 : 500).end();
    });
    await expect(askHub(url, "/api/none")).resolves.toBeNull();
    await expect(askHub(url, "/api/runs")).rejects.toMatchObject({ code: "hub-failed" });
  });
});
