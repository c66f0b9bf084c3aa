import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { hostId } from "@edgewatt/runtime";
import {
  type SpawnedService,
  spawnService,
  startBroker,
  type TempDir,
  type TestBroker,
  tempDir,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { offerTo } from "../../src/client/artifacts.ts";
import type { Device } from "../../src/client/fleet.ts";

const HUB = new URL("../../../hub/bin/edgewatt-hub.js", import.meta.url);
const CONTENT = Buffer.alloc(300_000, "edgewatt ");
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

function deviceOn(host: string): Device {
  return {
    id: "pi-1",
    presence: "online",
    status: { v: 1, state: "online", boot: 1, conn: 1, ts: 0 },
    info: {
      v: 1,
      ts: 0,
      boot: 1,
      versions: { edgewatt: "0.1.0", node: "20.19.0", onnxruntime: "1.30.0" },
      hardware: { board: "", cpu: "", cores: 4, memoryMb: 1, arch: "arm64", os: "", governor: null, hostId: host },
      operations: [],
      limits: { queuedJobs: 8, commandBytes: 1 },
      power: [],
      clock: { synchronized: true },
    },
  };
}

describe("what a device is offered", () => {
  let dir: TempDir;
  let broker: TestBroker;
  let hub: SpawnedService;
  let file: string;

  beforeAll(async () => {
    dir = await tempDir();
    broker = await startBroker();
    const data = path.join(dir.path, "data");
    await mkdir(data);
    hub = await spawnService(HUB, ["--broker", broker.url, "--http-port", "0", "--data", data]);
    file = path.join(dir.path, "model.onnx");
    await writeFile(file, CONTENT);
  });
  afterAll(async () => {
    await hub.stop();
    await broker.stop();
    await dir[Symbol.asyncDispose]();
  });

  it("is the file itself on the same machine", async () => {
    const artifact = await offerTo(deviceOn(hostId()), undefined)(file, "model", "m");
    expect(artifact).toEqual({
      name: "m",
      kind: "model",
      url: pathToFileURL(file).href,
      sha256: SHA256,
      bytes: CONTENT.length,
    });
  });

  it("is refused in the words of a hub that has no room for it", async () => {
    const data = path.join(dir.path, "small");
    const args = ["--broker", broker.url, "--http-port", "0", "--data", data, "--id", "small"];
    const small = await spawnService(HUB, [...args, "--max-artifact-mb", "1"]);
    const large = path.join(dir.path, "large.onnx");
    await writeFile(large, Buffer.alloc(1_500_000));
    await expect(offerTo(deviceOn("another"), small.ready["hub"])(large, "model", "m")).rejects.toMatchObject({
      code: "upload-refused",
      message: expect.stringMatching(/^the hub does not take large\.onnx: .*: raise --max-artifact-mb of the hub/),
    });
    await small.stop();
  });

  it("is a copy on the hub for another machine, uploaded once", async () => {
    const offer = offerTo(deviceOn("another"), hub.ready["hub"]);
    const artifact = await offer(file, "model", "m");
    expect(artifact).toMatchObject({ url: `${hub.ready["hub"]}/artifacts/${SHA256}`, sha256: SHA256 });
    expect(Buffer.from(await (await fetch(artifact.url)).arrayBuffer())).toEqual(CONTENT);
    expect(await offer(file, "model", "m")).toEqual(artifact);
  });

  it("is nothing for another machine when there is no hub", async () => {
    await expect(offerTo(deviceOn("another"), undefined)(file, "model", "m")).rejects.toMatchObject({ code: "no-hub" });
  });

  it("says that the hub does not answer", async () => {
    const gone = await spawnService(HUB, [
      "--broker",
      broker.url,
      "--http-port",
      "0",
      "--data",
      path.join(dir.path, "gone"),
    ]);
    await gone.stop();
    const offer = offerTo(deviceOn("another"), gone.ready["hub"]);
    await expect(offer(file, "model", "m")).rejects.toThrow(/cannot upload to the hub at .*ECONNREFUSED/);
  });

  it("says that the file is not there", async () => {
    const offer = offerTo(deviceOn(hostId()), undefined);
    await expect(offer(path.join(dir.path, "none"), "model", "m")).rejects.toThrow(/cannot read .*none \(ENOENT\)/);
  });
});
