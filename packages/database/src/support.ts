import type { DatabaseClient, ServerVersion } from "./client.ts";
import { DatabaseError } from "./errors.ts";

const INSTEAD = new Map([
  [
    2,
    "InfluxDB 2 has no retention policies, continuous queries or users in InfluxQL: create a bucket per policy with `influx bucket create --retention`, " +
      "map it with `influx v1 dbrp create --db edgewatt --rp NAME`, fill it with a task, and create users with `influx v1 auth create`",
  ],
  [
    3,
    "InfluxDB 3 has no retention policies, continuous queries or users in InfluxQL: create the database with " +
      "`influxdb3 create database edgewatt --retention-period 30d`, tokens with `influxdb3 create token`, and means with its processing engine",
  ],
]);

/** Retention policies, continuous queries and users are of InfluxDB 1.x. @throws {DatabaseError} code `unsupported`, with what to do instead */
export async function requireVersion1(client: DatabaseClient): Promise<ServerVersion> {
  const version = await client.version();
  if (version.major === undefined || version.major === 1) return version;
  const instead =
    INSTEAD.get(version.major) ?? `version ${version.text} is not known to edgewatt, which sets up InfluxDB 1.x`;
  throw new DatabaseError(`${client.address} is set up in another way: ${instead}`, {
    code: "unsupported",
    context: { address: client.address, version: version.text },
  });
}
