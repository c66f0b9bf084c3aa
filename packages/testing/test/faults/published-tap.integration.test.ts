import { eventually, FaultProxy, startBroker, VirtualDevice } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { PublishedTap } from "../../src/faults/published-tap.ts";

it("reads what a device publishes, whatever pieces its bytes come in, each batch once", async () => {
  const broker = await startBroker();
  const tap = new PublishedTap();
  const onSent = (connection: number, bytes: Buffer) => {
    for (let at = 0; at < bytes.byteLength; at += 7) tap.hear(connection, bytes.subarray(at, at + 7));
  };
  const target = { host: "127.0.0.1", port: Number(new URL(broker.url).port) };
  const proxy = await FaultProxy.start({ target, onSent });
  const device = await VirtualDevice.connect(`mqtt://127.0.0.1:${proxy.port}`, "pi-1");
  const channel = (watts: number[]) => ({
    t0: 1_000_000,
    dt: watts.map((_, i) => i * 100),
    w: watts,
    source: "estimate",
  });
  try {
    await device.send("power", 0, { main: channel([1, 2]) });
    await device.send("power", 0, { main: channel([1, 2]) });
    // Long enough for a length of three bytes.
    await device.send("power", 1, { main: channel(Array.from({ length: 4000 }, (_, i) => i)) });
    await device.connection.publish("edgewatt/v1/pi-1/live/power", "{}", { qos: 0 });
    await eventually(() => expect(device.connection.connected).toBe(true));
    const batches = tap.take();
    expect(batches.map(({ stream, seq, points }) => [stream, seq, points.length])).toEqual([
      ["power", 0, 2],
      ["power", 1, 4000],
    ]);
    expect(batches[0]?.points[1]).toMatchObject({
      id: "power,device=pi-1,channel=main,source=estimate 1000100",
      fields: "watts=2",
    });
    expect(tap.take()).toEqual([]);
  } finally {
    await device.connection.close();
    await proxy.close();
    await broker.stop();
  }
});
