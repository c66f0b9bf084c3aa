import { mkdir, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { TestingError } from "../errors.ts";
import { influxdConfig } from "../influxd.ts";
import { mosquittoConfig } from "../mosquitto.ts";
import { installedCommand } from "../require-system.ts";
import type { ProcessSpec } from "./managed-process.ts";

const ROOT = new URL("../../../../", import.meta.url);
/** Short, so that a trial of seconds reaches beyond it. */
const KEEPALIVE_S = "2";

/** What a developer's shell may set must not change a run; empty counts as unset. */
const NEUTRAL = {
  EDGEWATT_DATASETS: "",
  EDGEWATT_BROKER: "",
  EDGEWATT_DATA: "",
  EDGEWATT_CONFIG: "",
  EDGEWATT_INFLUX: "",
};

function ourService(options: {
  dir: string;
  name: string;
  bin: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  probe?: () => Promise<void>;
}): ProcessSpec {
  const { dir, name, bin, args, env = {}, probe = async () => {} } = options;
  return {
    name,
    command: process.execPath,
    args: [fileURLToPath(new URL(bin, ROOT)), "--json", ...args],
    env: { ...NEUTRAL, ...env },
    cwd: dir,
    ours: true,
    probe,
  };
}

async function accepts(port: number): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}

async function answers(url: string): Promise<void> {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(5000) });
  if (!ok) throw new TestingError(`${url} answers ${status}`, { code: "not-ready" });
}

export function ownBroker(dir: string, port: number): ProcessSpec {
  return ourService({
    dir,
    name: "broker",
    bin: "broker/bin/edgewatt-broker.js",
    args: ["--mqtt-port", `${port}`],
    probe: () => accepts(port),
  });
}

export async function mosquittoBroker(dir: string, port: number): Promise<ProcessSpec> {
  const config = path.join(dir, "mosquitto.conf");
  await writeFile(config, mosquittoConfig(port));
  return {
    name: "broker",
    command: installedCommand("mosquitto"),
    args: ["-c", config],
    cwd: dir,
    ours: false,
    probe: () => accepts(port),
  };
}

export async function influxd(dir: string, ports: { http: number; rpc: number }): Promise<ProcessSpec> {
  const folder = path.join(dir, "influxd");
  await mkdir(folder);
  const config = path.join(folder, "influxdb.conf");
  await writeFile(config, influxdConfig({ dir: folder, ...ports }));
  return {
    name: "influxd",
    command: installedCommand("influxd"),
    args: ["run", "-config", config],
    cwd: dir,
    ours: false,
    probe: () => answers(`http://127.0.0.1:${ports.http}/ping`),
  };
}

export function ingest(dir: string, id: string, ports: { broker: number; influx: number }): ProcessSpec {
  const data = path.join(dir, id);
  const args = ["--broker", mqttUrl(ports.broker), "--influx", `http://127.0.0.1:${ports.influx}`, "--id", id];
  return ourService({
    dir,
    name: id,
    bin: "ingest/bin/edgewatt-ingest.js",
    args: [...args, "--data", data, "--keepalive-s", KEEPALIVE_S],
  });
}

export function hub(dir: string, ports: { broker: number; http: number }): ProcessSpec {
  const args = ["--broker", mqttUrl(ports.broker), "--http-port", `${ports.http}`, "--data", path.join(dir, "hub")];
  return ourService({
    dir,
    name: "hub",
    bin: "hub/bin/edgewatt-hub.js",
    args: [...args, "--keepalive-s", KEEPALIVE_S],
    probe: () => answers(`http://127.0.0.1:${ports.http}/api/runs`),
  });
}

export function agent(
  dir: string,
  device: string,
  options: { broker: number; args: readonly string[]; env: NodeJS.ProcessEnv },
): ProcessSpec {
  const args = ["--broker", mqttUrl(options.broker), "--device", device, "--data", path.join(dir, "agents")];
  return ourService({
    dir,
    name: `agent-${device}`,
    bin: "edge-agent/bin/edgewatt-agent.js",
    args: [...args, "--keepalive-s", KEEPALIVE_S, ...options.args],
    env: options.env,
  });
}

/** The folder in which an agent keeps what must outlive it. */
export function agentHome(dir: string, device: string): string {
  return path.join(dir, "agents", `agent-${device}`);
}

function mqttUrl(port: number): string {
  return `mqtt://127.0.0.1:${port}`;
}
