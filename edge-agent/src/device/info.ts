import { createRequire } from "node:module";
import {
  MAX_MESSAGE_BYTES,
  MAX_QUEUED_JOBS,
  type DeviceFault,
  type DeviceInfo,
  type Operation,
  type PowerChannel,
} from "@edgewatt/protocol";
import type { CoreSplit } from "../process/cores.ts";
import type { ChannelState } from "../sampler/sampler.ts";
import { readHardware } from "./hardware.ts";

const require = createRequire(import.meta.url);

function versionOf(manifest: string): string {
  return (require(manifest) as { version: string }).version;
}

const VERSIONS = {
  edgewatt: versionOf("../../package.json"),
  node: process.versions.node,
  // Its manifest alone: the library itself is loaded in children only.
  onnxruntime: versionOf("onnxruntime-node/package.json"),
};

export interface InfoInputs {
  readonly boot: number;
  readonly ts: number;
  readonly root: string;
  /** The one that fills the results table first. */
  readonly channels: readonly ChannelState[];
  readonly cores: CoreSplit;
  readonly operations: readonly Operation[];
  readonly clockSynchronized: boolean;
  /** What keeps it from its work now. */
  readonly faults: readonly DeviceFault[];
}

/** What the device tells about itself; hardware is read anew each time, since a governor can change. */
export function buildInfo(inputs: InfoInputs): DeviceInfo {
  const { boot, ts, root, channels, cores, operations, clockSynchronized, faults } = inputs;
  return {
    v: 1,
    ts,
    boot,
    versions: VERSIONS,
    hardware: readHardware(root),
    operations: [...operations],
    limits: { queuedJobs: MAX_QUEUED_JOBS, commandBytes: MAX_MESSAGE_BYTES },
    affinity: cores.note,
    power: channels.map(powerChannel),
    clock: { synchronized: clockSynchronized },
    ...(faults.length === 0 ? {} : { faults: [...faults] }),
  };
}

function powerChannel({ channel, source, rateHz, described, fault }: ChannelState): PowerChannel {
  return {
    channel,
    source,
    rateHz,
    settings: { ...described?.settings, ...described?.measured },
    ...(fault === undefined ? {} : { fault }),
  };
}
