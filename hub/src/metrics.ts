import { counter, gauge, type Metric, type MqttConnection } from "@edgewatt/runtime";
import type { ArtifactStore } from "./artifacts/store.ts";
import type { MqttRelay } from "./http/mqtt-relay.ts";
import type { Journal } from "./journal/journal.ts";
import type { Recorder } from "./journal/recorder.ts";
import type { RecentPower } from "./power/recent-power.ts";

export interface HubParts {
  readonly connection: MqttConnection;
  readonly store: ArtifactStore;
  readonly journal: Journal;
  readonly recorder: Recorder;
  readonly relay: MqttRelay;
  readonly power: RecentPower;
}

/** The hub's figures for `--metrics-port`. */
export function hubMetrics({ connection, store, journal, recorder, relay, power }: HubParts): readonly Metric[] {
  return [
    gauge("broker_connected", "1 while the hub has its broker", () => Number(connection.connected)),
    gauge("artifacts", "Artifacts that are kept", () => store.usage.artifacts),
    gauge("artifacts_bytes", "Bytes of the artifacts that are kept", () => store.usage.bytes),
    gauge("artifacts_arriving_bytes", "Bytes received of uploads under way", () => store.usage.arrivingBytes),
    gauge("artifacts_limit_bytes", "Bytes that all artifacts may take", () => store.usage.limitBytes),
    gauge("journal_runs", "Jobs that the journal of the hub knows", () => journal.runs().length),
    gauge("journal_bytes", "Size of the file of the journal", () => journal.bytes),
    gauge("journal_lag_seconds", "Age of the oldest command or state that is not on the disk yet", () => journal.lagS),
    counter(
      "commands_restored_total",
      "Commands given back to a broker that had lost them",
      () => recorder.restoredCommands,
    ),
    gauge("relay_connections", "MQTT connections of pages that the hub relays", () => relay.connections),
    gauge("recent_power_channels", "Power channels whose last minutes are remembered", () => power.channels),
    gauge("recent_power_bytes", "Memory that the last minutes of power take", () => power.bytes),
  ];
}
