import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { spawnService, startChild } from "@edgewatt/testing";
import { BenchError } from "../errors.ts";
import { BENCH, ROOT } from "../paths.ts";
import type { StreamMessage } from "./stream.ts";

/** Where a contestant finds its input and leaves its output. */
export interface Place {
  readonly broker: string;
  readonly influx: string;
  /** For its files. */
  readonly folder: string;
}

/** A process that takes telemetry to the database. */
export interface Contestant {
  readonly pid: number;
  /** The payload that it reads of a message, for what is fed by MQTT. */
  readonly payload: (message: StreamMessage) => string;
  readonly stop: () => Promise<unknown>;
}

/** Our ingest, as `edgewatt ingest` starts it. */
export async function startOurs({ broker, influx, folder }: Place): Promise<Contestant> {
  const args = ["--broker", broker, "--influx", influx, "--data", folder, "--log-level", "error"];
  const { child, stop } = await spawnService(join(ROOT, "ingest/bin/edgewatt-ingest.js"), args);
  return { pid: child.pid ?? Number.NaN, payload: ({ columns }) => columns, stop: () => stop("SIGTERM") };
}

const PARSERS = {
  json_v2: `  data_format = "json_v2"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "edgewatt/v1/+/tele/power"
    measurement = "_/_/_/_/measurement"
    tags = "_/_/device/_/_"
  [[inputs.mqtt_consumer.json_v2]]
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "rows"
      timestamp_key = "t"
      timestamp_format = "unix_us"
      tags = ["channel", "source"]
`,
  influx: `  data_format = "influx"\n`,
} as const;

/** The form in which Telegraf is given the stream. */
export type TelegrafInput = keyof typeof PARSERS;

/** Telegraf with the same guarantees: QoS 1, acknowledged to the broker when written; the same size and age of writes. */
export async function startTelegraf(
  file: string,
  input: TelegrafInput,
  { broker, influx, folder }: Place,
): Promise<Contestant> {
  const config = join(folder, "telegraf.conf");
  const { host } = new URL(broker);
  await writeFile(
    config,
    `[agent]
  omit_hostname = true
  quiet = true
  flush_interval = "100ms"
  metric_batch_size = 5000
  metric_buffer_limit = 10000000
[[outputs.influxdb]]
  urls = ["${influx}"]
  database = "edgewatt"
  content_encoding = "identity"
[[inputs.mqtt_consumer]]
  servers = ["tcp://${host}"]
  topics = ["edgewatt/v1/+/tele/power"]
  client_id = "telegraf"
  persistent_session = true
  qos = 1
  topic_tag = ""
  max_undelivered_messages = 100000
${PARSERS[input]}`,
  );
  const { child, stop } = startChild(file, ["--config", config]);
  const payload = ({ rows, lines }: StreamMessage): string => (input === "influx" ? `${lines.join("\n")}\n` : rows);
  return { pid: child.pid ?? Number.NaN, payload, stop: () => stop("SIGTERM") };
}

/** The minimal program with the lines of the messages in a file. */
export async function startRaw(
  { influx, folder }: Pick<Place, "influx" | "folder">,
  messages: readonly StreamMessage[],
): Promise<Omit<Contestant, "payload"> & { readonly write: () => Promise<void> }> {
  const file = join(folder, "lines.lp");
  await writeFile(file, messages.flatMap(({ lines }) => lines.map((line) => `${line}\n`)).join(""));
  const child = spawn(process.execPath, [join(BENCH, "telemetry/raw-writer.mjs"), influx, file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const expectWord = async (word: string): Promise<void> => {
    const { value } = await said.next();
    if (value !== word) throw new BenchError(`raw-writer.mjs said ${value ?? "nothing"}`, { code: "program-failed" });
  };
  await expectWord("ready");
  return {
    pid: child.pid ?? Number.NaN,
    async write() {
      child.stdin.write("go\n");
      await expectWord("done");
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
