import { arch, availableParallelism, cpus, release, totalmem, type } from "node:os";
import { hostId } from "@edgewatt/runtime";
import type { DeviceInfo } from "@edgewatt/protocol";
import { channelBlock } from "./channel-block.ts";
import { boardModel, readFact } from "./board.ts";

const BYTES_PER_MB = 1e6;

/** What this machine is, from `/proc` and `/sys` under `root`. */
export function readHardware(root = ""): DeviceInfo["hardware"] {
  return {
    board: boardModel(root),
    cpu: cpuName(root),
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / BYTES_PER_MB),
    arch: arch(),
    os: osName(root),
    governor: readFact(`${root}/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor`) ?? null,
    hostId: hostId(),
    channelBlock: channelBlock(arch(), readFact(`${root}/proc/cpuinfo`)),
  };
}

/** ARM cores name no model in `/proc/cpuinfo`, but the device tree names the SoC. */
function cpuName(root: string): string {
  const model = cpus()[0]?.model;
  if (model !== undefined && model !== "unknown" && model !== "") return model;
  const compatible = readFact(`${root}/proc/device-tree/compatible`);
  return compatible?.split(",").at(-1) ?? "unknown";
}

function osName(root: string): string {
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFact(`${root}/etc/os-release`) ?? "")?.[1];
  return `${pretty ?? type()}, Linux ${release()}`;
}
