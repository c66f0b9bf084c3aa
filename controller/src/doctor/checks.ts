import type { Context } from "../context.ts";
import { ControllerError } from "../errors.ts";
import { type AgentQuestion, findChips, type FoundChip, inspectSources, type Inspection } from "./agent-report.ts";
import { type Check, fromError } from "./check.ts";
import { checkI2cAccess, checkI2cAddon, checkI2cEnabled, checkI2cSpeed, i2cBuses } from "./i2c.ts";
import { checkDeadLetters } from "./dead-letters.ts";
import {
  checkBoard,
  checkClock,
  checkCores,
  checkGovernor,
  checkMemoryControl,
  checkNode,
  checkSystem,
  checkTemperature,
  checkThrottling,
} from "./machine.ts";
import { checkChips, checkMeters, checkSources } from "./power.ts";
import { checkSpoolFiles } from "./spool-files.ts";
import { checkBroker, checkData, checkDatabase, checkDataset, checkInfluxd, type ServiceOptions } from "./services.ts";

export interface DoctorOptions extends ServiceOptions {
  /** May write to the I²C buses. */
  readonly probe?: true;
  readonly config?: string;
}

/** Every check, in the order in which one would repair. */
export async function checkMachine(context: Context, options: DoctorOptions): Promise<readonly Check[]> {
  const { env, root = "" } = context;
  const power = await checkPower(context, options);
  const machine = await Promise.all([
    checkGovernor(root),
    checkTemperature(root),
    checkThrottling(env, root),
    checkClock(env),
    checkMemoryControl(root),
  ]);
  const [database, broker, spools, deadLetters, dataset] = await Promise.all([
    checkDatabase(context, options),
    checkBroker(context, options),
    checkSpoolFiles(context, options),
    checkDeadLetters(context, options),
    checkDataset(context, options),
  ]);
  return [
    checkNode(process.versions.node),
    checkSystem(),
    await checkBoard(root),
    checkCores(env),
    await checkData(context, options),
    ...power,
    ...machine,
    checkInfluxd(env),
    database,
    ...broker,
    ...spools,
    deadLetters,
    dataset,
  ];
}

/** One after the other: i2c-bus loads in one process at a time. */
async function checkPower({ env, cwd, root = "" }: Context, { probe, config }: DoctorOptions): Promise<Check[]> {
  const buses = await i2cBuses(root);
  const question: AgentQuestion = { root, env, cwd, probe: probe === true, config };
  const chips: FoundChip[] = [];
  const unusable: Check[] = [];
  for (const bus of buses) {
    const found = await unlessFailed(() => findChips(bus, question));
    if (found instanceof ControllerError) unusable.push(fromError(`/dev/i2c-${bus}`, "warn", found));
    else chips.push(...found);
  }
  const inspection = await unlessFailed(() => inspectSources(question));
  const wanted = inspection instanceof ControllerError ? [] : busesOf(inspection);
  return [
    checkI2cAddon(),
    checkI2cEnabled(buses),
    await checkI2cAccess(root, buses),
    await checkI2cSpeed(root, wanted),
    ...unusable,
    checkChips(chips, buses),
    ...(inspection instanceof ControllerError
      ? [fromError("meters", "warn", inspection)]
      : [...checkSources(inspection), ...checkMeters(inspection, chips)]),
  ].filter((check) => check !== undefined);
}

function busesOf({ meters }: Inspection): number[] {
  return [...new Set(meters.flatMap(({ i2c }) => (i2c === null ? [] : [i2c.bus])))];
}

async function unlessFailed<T extends readonly FoundChip[] | Inspection>(
  ask: () => Promise<T>,
): Promise<T | ControllerError> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ControllerError) return error;
    throw error;
  }
}
