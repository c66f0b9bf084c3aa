import type { Context } from "../context.ts";
import type { Check } from "./check.ts";
import { checkClock, checkGovernor, checkI2cAddon, checkI2cBus, checkNode, checkThrottling } from "./hardware.ts";
import { checkBroker, checkData, checkDatabase, checkDataset, checkInfluxd, type DoctorOptions } from "./services.ts";

export type { DoctorOptions } from "./services.ts";

/** Every check, in the order in which one would repair. */
export async function checkMachine(context: Context, options: DoctorOptions): Promise<readonly Check[]> {
  const [data, i2c, throttling, clock, database, broker, dataset, governor] = await Promise.all([
    checkData(context, options),
    checkI2cBus(),
    checkThrottling(context.env),
    checkClock(context.env),
    checkDatabase(context, options),
    checkBroker(context, options),
    checkDataset(context, options),
    checkGovernor(),
  ]);
  const node = checkNode(process.versions.node);
  return [
    node,
    data,
    checkI2cAddon(),
    i2c,
    governor,
    throttling,
    clock,
    checkInfluxd(context.env),
    database,
    broker,
    dataset,
  ];
}
