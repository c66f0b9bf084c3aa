import { rowsOf, type Series } from "./answer.ts";
import { DATABASE, type DatabaseClient } from "./client.ts";
import { continuousQueryName, DOWNSAMPLED, LEVELS } from "./downsampling.ts";
import { parseDuration, type DurationS } from "./duration.ts";
import { identifier } from "./influxql.ts";

export interface Policy {
  readonly name: string;
  /** 0 is without end. */
  readonly durationS: DurationS;
  readonly shardS: DurationS;
  readonly isDefault: boolean;
}

export interface DatabaseState {
  readonly exists: boolean;
  readonly policies: readonly Policy[];
  /** Statement by name. */
  readonly continuousQueries: ReadonlyMap<string, string>;
}

/** What the database `edgewatt` is set up as. */
export async function readState(client: DatabaseClient): Promise<DatabaseState> {
  const [databases = []] = await client.query("SHOW DATABASES");
  const exists = rowsOf(databases).some(({ name }) => name === DATABASE);
  if (!exists) return { exists, policies: [], continuousQueries: new Map() };
  return { exists, policies: await readPolicies(client), continuousQueries: await readContinuousQueries(client) };
}

async function readPolicies(client: DatabaseClient): Promise<Policy[]> {
  const [policies = []] = await client.query(`SHOW RETENTION POLICIES ON ${identifier(DATABASE)}`);
  return rowsOf(policies).map(({ name, duration, shardGroupDuration, default: isDefault }) => ({
    name: String(name),
    durationS: parseDuration(String(duration)),
    shardS: parseDuration(String(shardGroupDuration)),
    isDefault: isDefault === true,
  }));
}

async function readContinuousQueries(client: DatabaseClient): Promise<Map<string, string>> {
  const [queries = []] = await client.query("SHOW CONTINUOUS QUERIES");
  const own = queries.filter(({ name }: Series) => name === DATABASE);
  return new Map(rowsOf(own).map(({ name, query }) => [String(name), String(query)]));
}

/** The default policy, which holds what is written and what dashboards read. */
export function rawPolicyOf(policies: readonly Policy[]): Policy | undefined {
  return policies.find(({ isDefault }) => isDefault);
}

/** Whether the database keeps means beside what was measured: the policies and the queries that fill them are there. */
export function isDownsampled({ policies, continuousQueries }: DatabaseState): boolean {
  const hasPolicies = LEVELS.every(({ policy }) => policies.some(({ name }) => name === policy));
  return (
    hasPolicies &&
    LEVELS.every((level) => DOWNSAMPLED.some((m) => continuousQueries.has(continuousQueryName(m, level))))
  );
}
