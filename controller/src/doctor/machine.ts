import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { arch, availableParallelism, machine } from "node:os";
import { promisify } from "node:util";
import { findOnPath } from "../stack/influxd.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 5_000;

/** Text of a file of the kernel, trimmed; `undefined` where this machine has none. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "latin1")).replaceAll("\0", "").trim();
  } catch {
    // Not on this machine.
    return undefined;
  }
}

async function outputOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (findOnPath(command, env) === undefined) return undefined;
  try {
    return (await run(command, [...args], { timeout: COMMAND_TIMEOUT_MS, env })).stdout.trim();
  } catch {
    // There, but of no use here: `timedatectl` without systemd, `vcgencmd` without the firmware.
    return undefined;
  }
}

const MIN_NODE = [20, 19] as const;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return enough ? ok("node", version) : fail("node", version, `install Node ${MIN_NODE.join(".")} or later`);
}

/** @param nodeArch what Node.js was built for, which may be 32 bits on a kernel of 64 */
export function checkSystem(nodeArch: string = arch(), kernel: string = machine()): Check {
  if (nodeArch === "x64" || nodeArch === "arm64") return ok("system", `64 bits (${kernel})`);
  return fail(
    "system",
    `Node.js is built for ${nodeArch}, the kernel is ${kernel}`,
    "ONNX Runtime exists for 64 bits only; on a Raspberry Pi write the 64-bit Raspberry Pi OS to the card, then install Node.js again",
  );
}

export async function checkBoard(root: string): Promise<Check> {
  const board =
    (await textOf(`${root}/proc/device-tree/model`)) ?? (await textOf(`${root}/sys/class/dmi/id/product_name`));
  return ok("board", board ?? "does not name itself");
}

/** The sampler gets a core of its own, where there are two and `taskset` can bind to them. */
export function checkCores(env: NodeJS.ProcessEnv, cores: number = availableParallelism()): Check {
  if (cores < 2) {
    return warn(
      "cores",
      "one",
      "reading a meter and running a model disturb each other on one core: figures are less certain",
    );
  }
  return findOnPath("taskset", env) === undefined
    ? warn("cores", `${cores}, but taskset is not on the PATH`, "on Debian: sudo apt-get install util-linux")
    : ok("cores", `${cores}; the sampler gets the last one to itself`);
}

export async function checkGovernor(root: string): Promise<Check> {
  const governor = await textOf(`${root}/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor`);
  if (governor === undefined) return ok("governor", "this machine has none that could be set");
  return governor === "performance"
    ? ok("governor", governor)
    : warn(
        "governor",
        governor,
        "for figures that repeat: echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
      );
}

const WARM_C = 70;

export async function checkTemperature(root: string): Promise<Check> {
  const text = await textOf(`${root}/sys/class/thermal/thermal_zone0/temp`);
  const celsius = Number(text) / 1000;
  if (text === undefined || text === "" || Number.isNaN(celsius)) return ok("temperature", "this machine tells none");
  const shown = `${celsius.toFixed(1)} °C`;
  return celsius < WARM_C
    ? ok("temperature", shown)
    : warn("temperature", shown, "a Raspberry Pi slows down from 80 °C: fit a fan before measuring");
}

/** Nobody misses the firmware on other boards; on a Raspberry Pi a capped clock would go unseen. */
async function unreadThrottling(env: NodeJS.ProcessEnv, root: string): Promise<Check> {
  const model = await textOf(`${root}/proc/device-tree/model`);
  if (model?.startsWith("Raspberry Pi") !== true) return ok("throttling", "no Raspberry Pi firmware to ask");
  return findOnPath("vcgencmd", env) === undefined
    ? warn(
        "throttling",
        "vcgencmd is not on the PATH, so a capped or throttled clock goes unseen",
        "on Raspberry Pi OS: sudo apt-get install raspi-utils",
      )
    : warn(
        "throttling",
        "vcgencmd cannot ask the firmware, so a capped or throttled clock goes unseen",
        "see what vcgencmd get_throttled says; this user must be in the group video: sudo usermod -aG video $USER, then log in again",
      );
}

/** Bits of `vcgencmd get_throttled` (Raspberry Pi documentation); the same 16 bits higher are since boot. */
const THROTTLING = ["too low a voltage", "capped frequency", "throttled", "soft temperature limit"] as const;
const SINCE_BOOT = 16;

export async function checkThrottling(env: NodeJS.ProcessEnv, root = ""): Promise<Check> {
  const found = await outputOf("vcgencmd", ["get_throttled"], env);
  const bits = Number(found?.split("=")[1]);
  if (found === undefined || Number.isNaN(bits)) return unreadThrottling(env, root);
  if (bits === 0) return ok("throttling", "none now, none since boot");
  const named = (shift: number) =>
    THROTTLING.filter((_, bit) => (bits & (1 << (bit + shift))) !== 0).join(", ") || "none";
  const voltage = (bits & (1 | (1 << SINCE_BOOT))) !== 0;
  return warn(
    "throttling",
    `now: ${named(0)}; since boot: ${named(SINCE_BOOT)} (0x${bits.toString(16)})`,
    `${voltage ? "the supply fell below 4.63 V: use a stronger one, a shorter cable and a smaller shunt" : "fit a fan"}, then reboot`,
  );
}

export async function checkClock(env: NodeJS.ProcessEnv): Promise<Check> {
  const synchronized = await outputOf("timedatectl", ["show", "--property=NTPSynchronized", "--value"], env);
  if (synchronized === undefined)
    return warn(
      "clock",
      "cannot tell whether it is synchronized",
      "see that NTP runs, so that telemetry of several devices fits together",
    );
  return synchronized === "yes"
    ? ok("clock", "synchronized")
    : warn("clock", "not synchronized", "switch it on with: sudo timedatectl set-ntp true");
}

/** Memory figures do not need it: they are the runner's own VmHWM. */
export async function checkMemoryControl(root: string): Promise<Check> {
  const controllers = await textOf(`${root}/sys/fs/cgroup/cgroup.controllers`);
  if (controllers === undefined) return ok("memory limits", "no cgroup v2 here; not needed to measure");
  return controllers.split(/\s+/).includes("memory")
    ? ok("memory limits", "the kernel can limit memory of a container or unit")
    : ok(
        "memory limits",
        "off, as Raspberry Pi OS has it; not needed to measure, but limits of containers and units do nothing until cgroup_enable=memory is in cmdline.txt",
      );
}
