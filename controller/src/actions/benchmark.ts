import path from "node:path";
import { counted, plural, type Results } from "@edgewatt/protocol";
import { findModels, type Model, readRegistry } from "@edgewatt/registry";
import { renderTable } from "@edgewatt/report";
import { withConnection } from "../client/broker.ts";
import { chooseDevices, type Device, type Fleet, readFleet } from "../client/fleet.ts";
import { findLocalData } from "../client/inputs.ts";
import { measure, type MeasureOptions, registeredModels } from "../client/measure.ts";
import { type Context, print, printJson } from "../context.ts";
import { ControllerError } from "../errors.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";

interface CommonOptions extends BrokerOption, DatasetsOption, MeasureOptions {
  readonly on?: readonly string[];
  /** Another name of `windows`. */
  readonly repeat?: number;
  /** In minutes. */
  readonly budget?: number;
  readonly failOnFlags?: true;
}

export async function benchmark(context: Context, names: readonly string[], options: CommonOptions): Promise<void> {
  const models = findModels(await registry(context, options), names);
  await measureAndPrint(context, models, options, (fleet) => chooseDevices(fleet, options.on));
}

export async function sweep(
  context: Context,
  options: CommonOptions & { readonly models?: readonly string[] },
): Promise<void> {
  const known = await registry(context, options);
  const models = options.models === undefined ? known : findModels(known, options.models);
  await measureAndPrint(context, models, options, (fleet) => {
    const online = fleet.devices.filter(({ presence }) => presence === "online");
    return options.on === undefined && online.length > 0 ? online : chooseDevices(fleet, options.on);
  });
}

async function registry(context: Context, { data }: BrokerOption): Promise<readonly Model[]> {
  return readRegistry(path.resolve(context.cwd, data));
}

async function measureAndPrint(
  context: Context,
  models: readonly Model[],
  options: CommonOptions,
  choose: (fleet: Fleet) => readonly Device[],
): Promise<void> {
  const data = await findLocalData(context, options);
  const { budget } = options;
  const windows = options.repeat ?? options.windows;
  const measuring: MeasureOptions = {
    ...options,
    ...(windows === undefined ? {} : { windows }),
    ...(budget === undefined ? {} : { budgetS: budget * 60 }),
  };
  const results = await withConnection(context, options, async (connection) => {
    const fleet = await readFleet(connection);
    const devices = choose(fleet);
    return measure(context, connection, {
      devices,
      hubUrl: fleet.hubUrl,
      models: registeredModels(models),
      data,
      options: measuring,
    });
  });
  if (options.json === true) printJson(context, results);
  else printResults(context, results);
  const flagged = results.rows.filter(({ flags }) => flags.length > 0).length;
  if (options.failOnFlags === true && flagged > 0) {
    throw new ControllerError(
      `${flagged} of ${counted(results.rows.length, "row")} ${plural(flagged, "carries", "carry")} flags (--fail-on-flags): see the table`,
      {
        code: "flagged",
      },
    );
  }
}

export function printResults(context: Context, results: Results): void {
  print(context, renderTable(results, context.stdout.columns === undefined ? {} : { width: context.stdout.columns }));
}
