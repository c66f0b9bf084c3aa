import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { binOf } from "../stack/bins.ts";
import { findOnPath } from "../stack/influxd.ts";
import { type Check, ok, warn } from "./check.ts";

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 5_000;

async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    // Not on this machine.
    return undefined;
  }
}

async function outputOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (findOnPath(command, env) === undefined) return undefined;
  try {
    return (await run(command, [...args], { timeout: COMMAND_TIMEOUT_MS })).stdout.trim();
  } catch {
    // There, but of no use here: `timedatectl` without systemd, `vcgencmd` without the firmware.
    return undefined;
  }
}

const MIN_NODE = [20, 19] as const;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return enough
    ? ok("node", version)
    : { name: "node", status: "fail", message: version, advice: `install Node ${MIN_NODE.join(".")} or later` };
}

/** Whether the addon was built can be seen without loading it, which only the sampler child may. */
export function checkI2cAddon(): Check {
  const ofAgent = createRequire(binOf("agent"));
  try {
    ofAgent.resolve("i2c-bus/build/Release/i2c.node");
    return ok("i2c-bus", "the addon is built");
  } catch {
    return warn(
      "i2c-bus",
      "the addon is not built",
      "for real sensors install g++, make and python3 and run npm ci again",
    );
  }
}

export async function checkI2cBus(): Promise<Check> {
  const buses = (await readdir("/dev")).filter((name) => /^i2c-\d+$/.test(name)).map((name) => `/dev/${name}`);
  return buses.length > 0
    ? ok("i2c", buses.join(", "))
    : warn(
        "i2c",
        "no /dev/i2c-* on this machine",
        "on a Raspberry Pi put dtparam=i2c_arm=on into config.txt; without a sensor power is an estimate",
      );
}

export async function checkGovernor(): Promise<Check> {
  const governor = await textOf("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (governor === undefined) return ok("governor", "this machine has none that could be set");
  return governor === "performance"
    ? ok("governor", governor)
    : warn(
        "governor",
        governor,
        "for figures that repeat: echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
      );
}

/** `vcgencmd get_throttled`: bits 0 to 3 are now, 16 to 19 since boot (Raspberry Pi documentation). */
export async function checkThrottling(env: NodeJS.ProcessEnv): Promise<Check> {
  const found = await outputOf("vcgencmd", ["get_throttled"], env);
  const bits = Number(found?.split("=")[1]);
  if (found === undefined || Number.isNaN(bits)) return ok("throttling", "no Raspberry Pi firmware to ask");
  if (bits === 0) return ok("throttling", "none since boot");
  return warn(
    "throttling",
    `${found}${(bits & 0xf) === 0 ? " (earlier, not now)" : ""}`,
    "use a stronger power supply and cooling, then reboot",
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
