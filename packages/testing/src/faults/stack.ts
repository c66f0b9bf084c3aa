import { mkdir } from "node:fs/promises";
import path from "node:path";
import getPort from "get-port";
import { FaultProxy } from "../proxy/fault-proxy.ts";
import { childPids } from "./child-pids.ts";
import { deviceMeter } from "./device-meter.ts";
import { ManagedProcess, type ProcessSpec } from "./managed-process.ts";
import { DISKS, type DiskRole, type LinkRole, type ProcessRole } from "./plan.ts";
import type { Random } from "./random.ts";
import { SmallDisk } from "./small-disk.ts";
import * as parts from "./stack-parts.ts";

export interface FaultStackOptions {
  /** An empty folder for data and logs. */
  readonly dir: string;
  readonly broker: "own" | "mosquitto";
  readonly devices: readonly string[];
  readonly ingests: readonly string[];
  /** Further flags of the agents. */
  readonly agentArgs: readonly string[];
  readonly random: Random;
  /** Whether spools and journals get file systems of their own. */
  readonly disks: boolean;
  /** Hears what an agent sends to the broker. */
  readonly onAgentSent: (device: string, connection: number, bytes: Buffer) => void;
}

/** Scripts of the agent's children, by which their processes are found. */
const CHILD_SCRIPTS = {
  runner: "runner/child.js",
  sampler: "sampler/child.js",
  quantizer: "models/child.js",
} as const;

const DISK_FOLDERS = { "spool-disk": "spool", "journal-disk": "jobs" } as const;

/** Every part of edgewatt as a process of its own, with a proxy in each link that is to fail. */
export class FaultStack {
  readonly #options: FaultStackOptions;
  readonly #ports: { readonly broker: number; readonly influx: number; readonly hub: number };
  readonly #processes: ManagedProcess[] = [];
  readonly #links: { readonly role: LinkRole; readonly proxy: FaultProxy }[] = [];

  readonly #disks: { readonly role: DiskRole; readonly disk: SmallDisk }[] = [];

  private constructor(options: FaultStackOptions, ports: { broker: number; influx: number; hub: number }) {
    this.#options = options;
    this.#ports = ports;
  }

  static async start(options: FaultStackOptions): Promise<FaultStack> {
    const [broker, influx, rpc, hub] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const stack = new FaultStack(options, { broker, influx, hub });
    const { dir, devices, ingests, agentArgs } = options;
    try {
      await mkdir(path.join(dir, "logs"));
      await stack.#start(
        options.broker === "own" ? parts.ownBroker(dir, broker) : await parts.mosquittoBroker(dir, broker),
      );
      await stack.#start(await parts.influxd(dir, { http: influx, rpc }));
      for (const id of ingests) {
        const ports = {
          broker: await stack.#link("ingest-broker", broker),
          influx: await stack.#link("ingest-influxd", influx),
        };
        await stack.#start(parts.ingest(dir, id, ports));
      }
      await stack.#start(parts.hub(dir, { broker: await stack.#link("hub-broker", broker), http: hub }));
      for (const device of devices) {
        if (options.disks) await stack.#mountDisks(device);
        const heard = (connection: number, bytes: Buffer) => options.onAgentSent(device, connection, bytes);
        const port = await stack.#link("agent-broker", broker, heard);
        const { args, env } = await deviceMeter(dir, device);
        await stack.#start(parts.agent(dir, device, { broker: port, args: [...args, ...agentArgs], env }));
      }
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** The broker itself, past all proxies. */
  get brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.#ports.broker}`;
  }

  get influxUrl(): string {
    return `http://127.0.0.1:${this.#ports.influx}`;
  }

  get hubUrl(): string {
    return `http://127.0.0.1:${this.#ports.hub}`;
  }

  get devices(): readonly string[] {
    return this.#options.devices;
  }

  get processes(): readonly ManagedProcess[] {
    return this.#processes;
  }

  agentHome(device: string): string {
    return parts.agentHome(this.#options.dir, device);
  }

  /** The processes that play a role now; children of agents come and go. */
  async pidsOf(role: ProcessRole): Promise<number[]> {
    if (role !== "runner" && role !== "sampler" && role !== "quantizer") {
      return this.processesOf(role).map(({ pid }) => pid);
    }
    const found = await Promise.all(this.processesOf("agent").map(({ pid }) => childPids(pid, CHILD_SCRIPTS[role])));
    return found.flat();
  }

  processesOf(role: ProcessRole): readonly ManagedProcess[] {
    return this.#processes.filter(({ spec }) => spec.name === role || spec.name.startsWith(`${role}-`));
  }

  disksOf(role: DiskRole): readonly SmallDisk[] {
    return this.#disks.filter((disk) => disk.role === role).map(({ disk }) => disk);
  }

  linksOf(role: LinkRole): readonly FaultProxy[] {
    return this.#links.filter((link) => link.role === role).map(({ proxy }) => proxy);
  }

  async stop(): Promise<void> {
    for (const { proxy } of this.#links) await proxy.set({});
    // Agents first, so that what they still hold can become durable.
    for (const managed of this.#processes.toReversed()) await managed.stop();
    for (const { proxy } of this.#links) await proxy.close();
  }

  /** After `stop`, when nobody needs what is on them any more. */
  async unmount(): Promise<void> {
    for (const { disk } of this.#disks) await disk.unmount();
  }

  async #mountDisks(device: string): Promise<void> {
    for (const role of DISKS) {
      const disk = await SmallDisk.mount(path.join(this.agentHome(device), DISK_FOLDERS[role]));
      this.#disks.push({ role, disk });
    }
  }

  async #start(spec: ProcessSpec): Promise<void> {
    this.#processes.push(await ManagedProcess.start(spec, path.join(this.#options.dir, "logs")));
  }

  async #link(role: LinkRole, port: number, onSent = (_connection: number, _bytes: Buffer) => {}): Promise<number> {
    const { random } = this.#options;
    const target = { host: "127.0.0.1", port };
    const proxy = await FaultProxy.start({ target, random: () => random.next(), onSent });
    this.#links.push({ role, proxy });
    return proxy.port;
  }
}

function freePort(): Promise<number> {
  return getPort({ host: "127.0.0.1" });
}
