import {
  DATABASE,
  describeDuration,
  DOWNSAMPLED,
  isDownsampled,
  LEVELS,
  rawPolicyOf,
  readState,
  recompute,
  requireVersion1,
  type Step,
  withoutSecrets,
} from "@edgewatt/database";
import { openDatabase } from "../client/database.ts";
import { columns } from "../columns.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { setUpDatabase, type SetupOptions } from "../database/setup.ts";
import { ControllerError, UsageError } from "../errors.ts";
import type { DatabaseOption } from "../options.ts";
import { Progress } from "../progress.ts";

/** Sets the database up, or says what it would do. */
export async function setup(context: Context, options: DatabaseOption & SetupOptions): Promise<void> {
  const client = await openDatabase(context, {
    ...options,
    userAdvice: "--admin-user, and EDGEWATT_ADMIN_PASSWORD",
    ...(options.adminUser === undefined ? {} : { influxUser: options.adminUser }),
    ...(options.adminPassword === undefined ? {} : { influxPassword: options.adminPassword }),
  });
  using progress = new Progress(context);
  const { steps, passwords, authenticated, version } = await setUpDatabase(client, options, (text) =>
    progress.update("setup", text),
  );
  const shown = steps.map((step) => ({ ...step, statements: step.statements.map(withoutSecrets) }));
  if (options.json === true) {
    const changed = steps.length > 0;
    const dryRun = options.dryRun ?? false;
    return printJson(context, {
      influx: client.address,
      version,
      authenticated,
      dryRun,
      changed,
      steps: shown,
      passwords,
    });
  }
  if (options.dryRun === true) printInfluxql(context, shown);
  else printChanges(context, shown);
  for (const [user, password] of Object.entries(passwords)) {
    print(context, `password of ${user}, shown this once: ${password}`);
  }
  if (!authenticated) {
    say(
      context,
      `${client.address} asks nobody who they are: whoever reaches it can delete everything; set auth-enabled = true under [http] in influxdb.conf`,
    );
  }
}

function printInfluxql(context: Context, steps: readonly Step[]): void {
  if (steps.length === 0) return say(context, "nothing to do");
  for (const { what, from, to, statements } of steps) {
    print(context, `-- ${what}: ${from === null ? to : `${from} → ${to}`}`);
    for (const statement of statements) print(context, `${statement};`);
  }
}

function printChanges(context: Context, steps: readonly Step[]): void {
  if (steps.length === 0) return print(context, "everything is set up already; nothing changed");
  const short = (text: string) => (text.startsWith("CREATE CONTINUOUS QUERY") ? "set up" : text);
  const row = ({ what, from, to }: Step): string[] => [what, from === null ? "" : `${short(from)} →`, short(to)];
  print(context, columns(["CHANGED", "FROM", "TO"], steps.map(row)));
}

/** What the database is set up as. */
export async function showDatabase(context: Context, options: DatabaseOption): Promise<void> {
  const client = await openDatabase(context, options);
  const { text: version } = await requireVersion1(client);
  const state = await readState(client);
  const downsampled = isDownsampled(state);
  if (options.json === true) {
    const { exists, policies } = state;
    const continuousQueries = Object.fromEntries(state.continuousQueries);
    return printJson(context, { influx: client.address, version, exists, policies, downsampled, continuousQueries });
  }
  if (!state.exists)
    return say(context, `${client.address} has no database ${DATABASE}: \`edgewatt database setup\` creates it`);
  print(
    context,
    columns(
      ["POLICY", "KEEPS", "IN SHARDS OF", ""],
      state.policies.map(({ name, durationS, shardS, isDefault }) => [
        name,
        describeDuration(durationS),
        describeDuration(shardS),
        isDefault ? "as measured, the default" : "",
      ]),
    ),
  );
  print(
    context,
    downsampled ? "Means over 1 s and 1 min are kept up to date." : "No means: `edgewatt database setup`.",
  );
}

interface RecomputeOptions extends DatabaseOption {
  readonly from: Date;
  readonly to?: Date;
  readonly measurement?: readonly string[];
}

/** Computes the means of a stretch of time again. */
export async function recomputeMeans(context: Context, options: RecomputeOptions): Promise<void> {
  const chosen = DOWNSAMPLED.filter(({ name }) => options.measurement?.includes(name) ?? true);
  if (chosen.length < (options.measurement?.length ?? 0)) {
    const known = DOWNSAMPLED.map(({ name }) => name).join(", ");
    throw new UsageError(`--measurement ${options.measurement?.join(",")}: known are ${known}`);
  }
  const client = await openDatabase(context, options);
  await requireVersion1(client);
  const state = await readState(client);
  const raw = rawPolicyOf(state.policies);
  if (raw === undefined || !isDownsampled(state)) {
    throw new ControllerError(`${client.address} keeps no means: set them up with \`edgewatt database setup\``, {
      code: "not-downsampled",
      context: { address: client.address },
    });
  }
  const stretch = { fromS: options.from.getTime() / 1000, toS: (options.to ?? new Date()).getTime() / 1000 };
  if (stretch.fromS >= stretch.toS) throw new UsageError("--from must be before --to");
  using progress = new Progress(context);
  const values: Record<string, number> = {};
  for (const measurement of chosen) {
    values[measurement.name] = await recompute(client, { rawPolicy: raw.name, measurement, stretch }, (doneS) =>
      progress.update("means", `${measurement.name}: ${Math.round(doneS / 3600)} h`),
    );
  }
  if (options.json === true)
    return printJson(context, { influx: client.address, policies: LEVELS.map(({ policy }) => policy), values });
  print(
    context,
    columns(
      ["MEASUREMENT", "MEANS"],
      Object.entries(values).map(([name, n]) => [name, String(n)]),
    ),
  );
}
