import { hostname } from "node:os";
import path from "node:path";
import {
  brokerHealth,
  connectMqtt,
  dataDir,
  DiskWatch,
  hostPort,
  listen,
  listenAddress,
  runService,
  type MqttConnection,
} from "@edgewatt/runtime";
import { referencesOf } from "./artifacts/references.ts";
import { ArtifactStore } from "./artifacts/store.ts";
import { hubConfig } from "./config.ts";
import { MqttRelay } from "./http/mqtt-relay.ts";
import { type HostNames, isLoopback } from "./http/origin.ts";
import { createHubServer } from "./http/server.ts";
import { Journal } from "./journal/journal.ts";
import { Recorder } from "./journal/recorder.ts";
import { Library } from "./library/library.ts";
import { hubMetrics } from "./metrics.ts";
import { RecentPower } from "./power/recent-power.ts";
import { HubStatus } from "./status.ts";

const BROKER_WAIT_MS = 10_000;
const MB = 1e6;
const DAY_MS = 86_400_000;

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

await runService({
  name: "hub",
  summary: "Serves the live page and artifacts, and remembers commands and runs.",
  schema: hubConfig,
  async start({ config, log, clock, signal }) {
    const host = listenAddress({ listen: config.listen, insecure: config.insecure, log });
    let url = "";
    const names: HostNames = {
      loopbackOnly: isLoopback(host),
      own: () => [new URL(url).hostname, ...config.hostNames.map((name) => name.toLowerCase())],
    };
    const dataRoot = await dataDir(config.data);
    const data = path.join(dataRoot, "hub");
    const reserveBytes = config.diskReserveMb * MB;
    const journal = await Journal.open(path.join(data, "journal", "jobs.jsonl"), log, {
      maxRuns: config.maxRuns,
      maxAgeMs: config.maxRunDays === 0 ? Infinity : config.maxRunDays * DAY_MS,
    });
    const store = await ArtifactStore.open(
      path.join(data, "artifacts"),
      { maxArtifactBytes: config.maxArtifactMb * MB, maxStoreBytes: config.maxStoreMb * MB, reserveBytes },
      () => referencesOf(journal.runs()),
    );
    const disk = await DiskWatch.start({
      dir: data,
      reserveBytes,
      consequence: "uploads of artifacts are refused",
      log,
      clock,
    });
    let connection: MqttConnection | undefined;
    const relay = new MqttRelay({ broker: () => connection?.broker, names, log });
    const library = new Library({
      data: dataRoot,
      datasets: [...(config.datasets === undefined ? [] : [config.datasets]), path.join(dataRoot, "datasets")],
      url: () => url,
      log,
    });
    const power = new RecentPower();
    const server = await createHubServer({
      store,
      journal,
      library,
      relay,
      power,
      names,
      log,
      connected: () => connection?.connected === true,
    });
    const close = async () => {
      disk[Symbol.dispose]();
      await connection?.close();
      relay.close();
      server.close();
      server.closeAllConnections();
      await journal.close();
    };
    try {
      const port = await listen(server, { host, port: config.httpPort, flag: "--http-port" });
      url = config.publicUrl ?? `http://${hostPort(isWildcard(host) ? hostname() : host, port)}`;
      const status = new HubStatus({ id: config.id, url, clock, log });
      const broker = await connectMqtt({
        url: config.broker,
        // No device can have this id: theirs have no underscore.
        clientId: `_hub-${config.id}`,
        keepaliveS: config.keepaliveS,
        log,
        signal,
        will: () => status.will(),
        waitMs: BROKER_WAIT_MS,
      });
      connection = broker;
      const recorder = await Recorder.start({ connection: broker, journal, log, clock });
      await power.follow(broker);
      await status.announceOn(broker);
      disk.onChange((reason) => status.remark(reason, broker));
      return {
        ready: { hub: url },
        observation: {
          metrics: hubMetrics({ connection: broker, store, journal, recorder, relay, power }),
          health: () => brokerHealth(broker.connected),
        },
        async stop() {
          recorder.stop();
          await status.offline(broker);
          await close();
        },
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
});
