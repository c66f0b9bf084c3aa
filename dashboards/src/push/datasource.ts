import { z } from "zod";
import { ConfigError } from "@edgewatt/runtime";
import type { PushConfig } from "../config.ts";
import { DATASOURCE } from "../provisioning/names.ts";
import { DATASOURCE_OPTIONS } from "../provisioning/provisioning.ts";
import { messageOf, readAs, type GrafanaClient } from "./client.ts";
import { matches } from "./matches.ts";
import type { Outcome } from "./outcome.ts";

const foundSchema = z.looseObject({
  type: z.string(),
  readOnly: z.boolean().default(false),
  jsonData: z.looseObject({}).nullish(),
});

/** Creates the data source, or brings it up to date. Its password cannot be read back, so one that is given is always written. */
export async function pushDatasource(
  client: GrafanaClient,
  { influx, influxReadUser, influxReadPassword, dryRun }: PushConfig,
): Promise<Outcome> {
  if (influx === undefined)
    throw new ConfigError(["--influx: is required with --datasource: pass --influx or set EDGEWATT_INFLUX"]);
  const { name: title, uid } = DATASOURCE;
  const outcome = { kind: "data source", uid, title } as const;
  const path = `/api/datasources/uid/${uid}`;
  const wanted = { ...DATASOURCE, access: "proxy", url: influx, user: influxReadUser, jsonData: DATASOURCE_OPTIONS };
  const secret = influxReadPassword === undefined ? {} : { secureJsonData: { password: influxReadPassword } };

  const answer = await client.call("GET", path, { to: `read the data source ${title}`, expect: [404] });
  if (answer.status === 404) {
    if (dryRun) return { ...outcome, action: "created" };
    const made = await client.call("POST", "/api/datasources", {
      to: `create the data source ${title}`,
      body: { ...wanted, ...secret },
      expect: [409],
    });
    if (made.status < 300) return { ...outcome, action: "created" };
    const reason = `Grafana refuses it (${messageOf(made.body)}): rename the data source that has this name`;
    return { ...outcome, action: "conflict", reason };
  }
  const found = readAs(foundSchema, answer, `the data source ${title}`);
  if (found.readOnly || found.type !== wanted.type) {
    const reason = found.readOnly ? "Grafana loads it from a file: change that file" : `it is of type ${found.type}`;
    return { ...outcome, action: "conflict", reason };
  }
  if (influxReadPassword === undefined && matches(wanted, found)) return { ...outcome, action: "unchanged" };
  if (!dryRun) {
    // What people have set besides, such as a timeout, stays.
    const jsonData = { ...found.jsonData, ...wanted.jsonData };
    const body = { ...found, ...wanted, jsonData, ...secret };
    await client.call("PUT", path, { to: `change the data source ${title}`, body });
  }
  return { ...outcome, action: "updated" };
}
