import { encodeMessage, formatTopic } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import { startBroker, tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { runHere } from "../run-app.ts";

it("shows each power channel with what it measures, its settings and its fault", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const log = createLogger({ name: "test", level: "silent" });
  const device = await connectMqtt({ url: broker.url, clientId: "pi-1", log, waitMs: 10_000 });
  try {
    const retained = { qos: 1, retain: true } as const;
    // Said to be measuring, so that the command does not wait for telemetry.
    const status = { v: 1, state: "online", boot: 1, conn: 1, ts: 0, measuringUntil: Date.now() + 600_000 } as const;
    await device.publish(formatTopic({ kind: "status", device: "pi-1" }), encodeMessage("status", status), retained);
    const info = encodeMessage("info", {
      v: 1,
      ts: 0,
      boot: 1,
      versions: { edgewatt: "0.1.0", node: "20.20.2", onnxruntime: "1.30.0" },
      hardware: {
        board: "Raspberry Pi 5 Model B Rev 1.0",
        cpu: "bcm2712",
        cores: 4,
        memoryMb: 8000,
        arch: "arm64",
        os: "Debian GNU/Linux 12",
        governor: "performance",
        hostId: "x",
      },
      operations: ["benchmark"],
      limits: { queuedJobs: 8, commandBytes: 250_000 },
      power: [
        { channel: "main", source: "ina228", rateHz: 49.98765, settings: { bus: 1, address: 64, shuntOhm: 0.015 } },
        { channel: "board", source: "pmic", rateHz: 10, settings: {} },
        { channel: "cpu", source: "rapl", rateHz: 10, settings: {}, fault: "may be read by root only" },
      ],
      clock: { synchronized: true },
    });
    await device.publish(formatTopic({ kind: "info", device: "pi-1" }), info, retained);
    const run = (...args: string[]) => runHere([...args, "--broker", broker.url], { cwd: dir.path });

    const list = await run("devices");
    expect(list.stdout).toContain("main: ina228, 49.99 Hz; board: pmic (estimate), 10 Hz; cpu: rapl, faulty");
    const { stdout } = await run("devices", "show", "pi-1");
    expect(stdout).toMatch(
      /Power main +ina228: power through its shunt, whatever is wired behind it; 49\.99 Hz\n +bus 1, address 64, shuntOhm 0\.015\n/,
    );
    expect(stdout).toMatch(/Power board +pmic: the whole board, by a model of .*; 10 Hz\n/);
    expect(stdout).toMatch(
      /Power cpu +rapl: the processor package only, not the board; 10 Hz\n +faulty: may be read by root only/,
    );
  } finally {
    await device.close();
    await broker.stop();
  }
});
