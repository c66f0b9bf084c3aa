import { z } from "zod";
import { ConfigError } from "@edgewatt/runtime";
import type { PushConfig } from "../config.ts";
import { DATASOURCE } from "../provisioning/names.ts";
import { DATASOURCE_OPTIONS } from "../provisioning/provisioning.ts";
import { readAs, type GrafanaClient } from "./client.ts";
import { matches } from "./matches.ts";
import type { Outcome } from "./outcome.ts";

const foundSchema = z.looseObject({ type: z.string(), readOnly: z.boolean().default(false) });

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
    if (!dryRun) {
      await client.call("POST", "/api/datasources", {
        to: `create the data source ${title}`,
        body: { ...wanted, ...secret },
      });
    }
    return { ...outcome, action: "created" };
  }
  const found = readAs(foundSchema, answer, `the data source ${title}`);
  if (found.readOnly || found.type !== wanted.type) {
    const reason = found.readOnly ? "Grafana loads it from a file: change that file" : `it is of type ${found.type}`;
    return { ...outcome, action: "conflict", reason };
  }
  if (influxReadPassword === undefined && matches(wanted, found)) return { ...outcome, action: "unchanged" };
  if (!dryRun) {
    await client.call("PUT", path, { to: `change the data source ${title}`, body: { ...found, ...wanted, ...secret } });
  }
  return { ...outcome, action: "updated" };
}
