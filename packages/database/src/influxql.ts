/** A name as InfluxQL takes it, whatever its characters. */
export function identifier(name: string): string {
  return `"${escape(name).replaceAll('"', String.raw`\"`)}"`;
}

/** Text as InfluxQL takes it. */
export function text(value: string): string {
  return `'${escape(value).replaceAll("'", String.raw`\'`)}'`;
}

function escape(value: string): string {
  return value.replaceAll("\\", String.raw`\\`).replaceAll("\n", String.raw`\n`);
}

/** A measurement under a retention policy; without one under the default policy. */
export function source(database: string, policy: string | undefined, measurement: string): string {
  return [identifier(database), policy === undefined ? "" : identifier(policy), identifier(measurement)].join(".");
}
