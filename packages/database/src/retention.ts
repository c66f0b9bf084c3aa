import type { Measurement } from "@edgewatt/protocol";
import { rowsOf } from "./answer.ts";
import { DATABASE, type DatabaseClient } from "./client.ts";
import { continuousQuery, continuousQueryName, DOWNSAMPLED, LEVELS, type Level } from "./downsampling.ts";
import { describeDuration, formatDuration, MIN_RETENTION_S, type DurationS } from "./duration.ts";
import { DatabaseError } from "./errors.ts";
import { identifier, source } from "./influxql.ts";
import { recompute, type Stretch } from "./recompute.ts";
import { rawPolicyOf, readState, type DatabaseState, type Policy } from "./state.ts";
import type { Step } from "./step.ts";

/** How long what is kept; 0 is forever. */
export interface Retention {
  /** Points as they were measured. */
  readonly raw: DurationS;
  /** Means over a second. */
  readonly seconds: DurationS;
  /** Means over a minute. */
  readonly minutes: DurationS;
}

const DAY_S = 86_400;

/** Raw for days, means for months: at ten points a second a device takes up to 45 MB a day as measured, and 5.5 MB as means. */
export const DEFAULT_RETENTION: Retention = { raw: 7 * DAY_S, seconds: 90 * DAY_S, minutes: 730 * DAY_S };

export interface RetentionOptions {
  /** Say what would be done, and do nothing. */
  readonly dryRun?: boolean;
  /** Shorten a policy though that deletes points. */
  readonly allowDelete?: boolean;
  /** Called before what may take long. */
  readonly onProgress?: (text: string) => void;
}

/** The policy of a database that is created now. */
const NEW_DATABASE_POLICY = "autogen";
const SHARDS_S: readonly DurationS[] = [30 * DAY_S, 7 * DAY_S, DAY_S, 3_600];
const SHARDS_PER_POLICY = 7;

/** A policy drops whole shards, so one keeps at most a seventh more than it says; each one open costs memory. */
function shardOf(duration: DurationS): DurationS {
  if (duration === 0) return 7 * DAY_S;
  return SHARDS_S.find((shard) => shard * SHARDS_PER_POLICY <= duration) ?? MIN_RETENTION_S;
}

function policyStatement(verb: "CREATE" | "ALTER", name: string, duration: DurationS): string {
  const head = `${verb} RETENTION POLICY ${identifier(name)} ON ${identifier(DATABASE)}`;
  const length = duration === 0 ? "INF" : formatDuration(duration);
  const replication = verb === "CREATE" ? " REPLICATION 1" : "";
  return `${head} DURATION ${length}${replication} SHARD DURATION ${formatDuration(shardOf(duration))}`;
}

/** The server shows a query without the quotes that its names do not need. */
function isSame(shown: string | undefined, wanted: string): boolean {
  const plain = (statement: string) => statement.replaceAll('"', "").replaceAll(/\s+/g, " ").trim();
  return shown !== undefined && plain(shown) === plain(wanted);
}

function policyStep(policies: readonly Policy[], name: string, duration: DurationS): Step | undefined {
  const what = `retention policy ${name}`;
  const known = policies.find((policy) => policy.name === name);
  if (known === undefined) {
    return {
      what,
      from: null,
      to: describeDuration(duration),
      statements: [policyStatement("CREATE", name, duration)],
    };
  }
  if (known.durationS === duration && known.shardS === shardOf(duration)) return undefined;
  const shown = (d: DurationS, s: DurationS) => `${describeDuration(d)} in shards of ${formatDuration(s)}`;
  return {
    what,
    from: shown(known.durationS, known.shardS),
    to: shown(duration, shardOf(duration)),
    statements: [policyStatement("ALTER", name, duration)],
  };
}

interface MissingMeans {
  readonly measurement: Measurement;
  readonly steps: readonly Step[];
}

function missingMeans(state: DatabaseState, rawPolicy: string): MissingMeans[] {
  const stepOf = (measurement: Measurement, level: Level): Step[] => {
    const name = continuousQueryName(measurement, level);
    const statement = continuousQuery(rawPolicy, measurement, level);
    const known = state.continuousQueries.get(name);
    if (isSame(known, statement)) return [];
    const drop = `DROP CONTINUOUS QUERY ${identifier(name)} ON ${identifier(DATABASE)}`;
    const statements = known === undefined ? [statement] : [drop, statement];
    return [{ what: `continuous query ${name}`, from: known ?? null, to: statement, statements }];
  };
  return DOWNSAMPLED.map((measurement) => ({
    measurement,
    steps: LEVELS.flatMap((level) => stepOf(measurement, level)),
  })).filter(({ steps }) => steps.length > 0);
}

/**
 * Brings the database `edgewatt` to these policies: points as measured in the default one, means in `seconds` and `minutes`,
 * filled by the server. What is stored already gets its means before anything is shortened. Resolves with what was, or with
 * `dryRun` would be, changed: nothing the second time.
 * @throws {DatabaseError} `would-delete` before it changes anything, when a policy would become too short for what is in it
 */
export async function setUpRetention(
  client: DatabaseClient,
  wanted: Retention,
  { dryRun = false, allowDelete = false, onProgress = () => {} }: RetentionOptions = {},
): Promise<Step[]> {
  const state = await readState(client);
  const raw = rawPolicyOf(state.policies)?.name ?? NEW_DATABASE_POLICY;
  if (!allowDelete) await refuseToDelete(client, state, new Map([[raw, wanted.raw], ...levelDurations(wanted)]));
  const done: Step[] = [];
  const take = async (step: Step | undefined): Promise<void> => {
    if (step === undefined) return;
    done.push(step);
    if (!dryRun) for (const statement of step.statements) await client.query(statement);
  };

  if (!state.exists) {
    await take({
      what: `database ${DATABASE}`,
      from: null,
      to: "created",
      statements: [`CREATE DATABASE ${identifier(DATABASE)}`],
    });
  }
  for (const [policy, duration] of levelDurations(wanted)) await take(policyStep(state.policies, policy, duration));
  for (const { measurement, steps } of missingMeans(state, raw)) {
    // Before the queries that keep the means up to date, so that a set-up which was cut short begins here again.
    const before = state.exists ? await storedStretch(client, raw, measurement) : undefined;
    if (before !== undefined) {
      onProgress(`means of ${measurement.name}`);
      done.push({
        what: `means of ${measurement.name}`,
        from: null,
        to: "computed from what is stored",
        statements: [],
      });
      if (!dryRun) await recompute(client, { rawPolicy: raw, measurement, stretch: before });
    }
    for (const step of steps) await take(step);
    if (before !== undefined && !dryRun) {
      const now = Date.now() / 1000;
      const late = { fromS: before.toS - 2 * Math.max(...LEVELS.map(({ coversS }) => coversS)), toS: now };
      await recompute(client, { rawPolicy: raw, measurement, stretch: late });
    }
  }
  const known = state.exists ? state.policies : [{ name: raw, durationS: 0, shardS: shardOf(0), isDefault: true }];
  await take(policyStep(known, raw, wanted.raw));
  return done;
}

function levelDurations(wanted: Retention): [policy: Level["policy"], duration: DurationS][] {
  return LEVELS.map(({ policy }) => [policy, wanted[policy]]);
}

/** From the first point of a measurement until now; `undefined` when there is none. */
async function storedStretch(
  client: DatabaseClient,
  policy: string,
  measurement: Measurement,
): Promise<Stretch | undefined> {
  const from = source(DATABASE, policy, measurement.name);
  const [tables = []] = await client.query(`SELECT * FROM ${from} ORDER BY time ASC LIMIT 1`, { epoch: "s" });
  const [first] = rowsOf(tables);
  return first === undefined ? undefined : { fromS: Number(first["time"]), toS: Date.now() / 1000 };
}

async function refuseToDelete(
  client: DatabaseClient,
  { policies }: DatabaseState,
  wanted: ReadonlyMap<string, DurationS>,
): Promise<void> {
  for (const { name, durationS } of policies) {
    const duration = wanted.get(name) ?? 0;
    if (duration === 0 || (durationS !== 0 && durationS <= duration)) continue;
    const where = `WHERE time < now() - ${formatDuration(duration)}`;
    const [tables = []] = await client.query(
      `SELECT * FROM ${identifier(DATABASE)}.${identifier(name)}./.*/ ${where} LIMIT 1`,
    );
    if (tables.length === 0) continue;
    const measurements = tables.map((table) => table.name).join(", ");
    throw new DatabaseError(
      `retention policy ${name} holds points older than ${formatDuration(duration)} (${measurements}), which would be deleted: ` +
        "keep them longer, or export them with `edgewatt export` and pass --allow-delete",
      { code: "would-delete", context: { policy: name, durationS: duration } },
    );
  }
}
