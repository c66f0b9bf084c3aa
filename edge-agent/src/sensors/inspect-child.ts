import { parseArgs } from "node:util";
import { ConfigError, loadConfig } from "@edgewatt/runtime";
import { configSchema } from "../config.ts";
import { openLinuxBus } from "../i2c/linux.ts";
import { monotonicUs } from "../process/monotonic.ts";
import { inspect } from "./inspect.ts";
import type { Meter } from "./meters.ts";
import { chooseMeters, tableChannel } from "./choose-meters.ts";

/** Prints what {@link inspect} finds and what the configuration is, as one JSON document: `edgewatt doctor` starts this. */
const { values } = parseArgs({
  options: {
    root: { type: "string", default: "" },
    probe: { type: "boolean", default: false },
    config: { type: "string" },
  },
});

interface Configured {
  readonly meters: readonly Meter[];
  readonly table: string | null;
  readonly issues: readonly string[];
}

function configured(): Configured {
  const argv = values.config === undefined ? [] : ["--config", values.config];
  try {
    const config = loadConfig({ section: "agent", schema: configSchema, argv, env: process.env, cwd: process.cwd() });
    const meters = chooseMeters(config, values.root);
    return { meters, table: tableChannel(meters, config.channel).channel, issues: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { meters: [], table: null, issues: error.issues };
    throw error;
  }
}

const { meters, table, issues } = configured();
const host = { root: values.root, openI2cBus: openLinuxBus, monotonicUs };
const inspection = await inspect(meters, host, values.probe);
process.stdout.write(`${JSON.stringify({ ...inspection, table, issues })}\n`);
