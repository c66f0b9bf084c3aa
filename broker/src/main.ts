import { listenAddress, runService } from "@edgewatt/runtime";
import { createBroker } from "./broker.ts";
import { brokerConfig } from "./config.ts";
import { listenTcp, listenWebSocket } from "./listeners.ts";
import type { Listener } from "./listeners.ts";
import { brokerMetrics } from "./metrics.ts";

await runService({
  name: "broker",
  summary: "the MQTT broker (3.1.1, TCP and WebSocket)",
  schema: brokerConfig,
  async start({ config, log }) {
    const host = listenAddress({ listen: config.listen, insecure: config.insecure, log });
    const broker = await createBroker({ log });
    const listeners: Listener[] = [];
    const stop = async () => {
      const closed = listeners.map((listener) => listener.close());
      await broker.close();
      await Promise.all(closed);
    };
    const open = async (listener: Promise<Listener>) => {
      listeners.push(await listener);
      return listeners.at(-1)?.url;
    };
    try {
      const mqtt = await open(listenTcp(broker, { host, port: config.mqttPort }));
      const ws =
        config.wsPort === undefined ? undefined : await open(listenWebSocket(broker, { host, port: config.wsPort }));
      const observation = { metrics: brokerMetrics(broker), health: () => ({ healthy: true, state: "ready" }) };
      return { ready: { mqtt, ws }, observation, stop };
    } catch (error) {
      await stop();
      throw error;
    }
  },
});
