import { z } from "zod";
import { contactPoint, type Contact } from "../alerts/contact.ts";
import { GROUPED_BY } from "../provisioning/alerting.ts";
import { ALERT_LABEL } from "../provisioning/names.ts";
import { readAs, type GrafanaClient } from "./client.ts";
import { matches } from "./matches.ts";
import type { Outcome } from "./outcome.ts";

const pointsSchema = z.array(z.looseObject({ uid: z.string().default(""), provenance: z.string().default("") }));
const policySchema = z.looseObject({ routes: z.array(z.looseObject({ receiver: z.string().optional() })).nullish() });

interface Options {
  readonly dryRun: boolean;
  readonly editableAlerts: boolean;
}

const API = "/api/v1/provisioning";
const headersOf = ({ editableAlerts }: Options) => (editableAlerts ? { "x-disable-provenance": "true" } : {});

/** Creates or changes the contact point; an address that Grafana keeps secret cannot be compared, and is written. */
export async function pushContactPoint(client: GrafanaClient, contact: Contact, options: Options): Promise<Outcome> {
  const wanted = contactPoint(contact);
  const outcome = { kind: "contact point", uid: wanted.uid, title: wanted.name } as const;
  const answer = await client.call("GET", `${API}/contact-points`, { to: "read the contact points" });
  const found = readAs(pointsSchema, answer, "the contact points").find(({ uid }) => uid === wanted.uid);
  if (found?.provenance === "file") {
    return { ...outcome, action: "conflict", reason: "Grafana loads it from a file: change that file" };
  }
  if (found !== undefined && matches(wanted, found)) return { ...outcome, action: "unchanged" };
  const action = found === undefined ? "created" : "updated";
  if (options.dryRun) return { ...outcome, action };
  const call = { to: `save the contact point ${wanted.name}`, body: wanted, headers: headersOf(options) };
  if (found === undefined) await client.call("POST", `${API}/contact-points`, call);
  else await client.call("PUT", `${API}/contact-points/${wanted.uid}`, call);
  return { ...outcome, action };
}

/** Adds a route for the rules to the notification policies, and leaves every other as it is. */
export async function pushPolicy(client: GrafanaClient, contact: Contact, options: Options): Promise<Outcome> {
  const receiver = contactPoint(contact).name;
  const outcome = { kind: "notification policy", uid: receiver, title: receiver } as const;
  const answer = await client.call("GET", `${API}/policies`, { to: "read the notification policies" });
  const tree = readAs(policySchema, answer, "the notification policies");
  const routes = tree.routes ?? [];
  if (routes.some((route) => route.receiver === receiver)) return { ...outcome, action: "unchanged" };
  if (tree["provenance"] === "file") {
    return { ...outcome, action: "conflict", reason: "Grafana loads the policies from a file: add the route there" };
  }
  if (!options.dryRun) {
    const route = { receiver, group_by: GROUPED_BY, object_matchers: [[ALERT_LABEL.name, "=", ALERT_LABEL.value]] };
    await client.call("PUT", `${API}/policies`, {
      to: "save the notification policies",
      body: { ...tree, routes: [route, ...routes] },
      // The tree is not ours: whoever may change it may still do so.
      headers: tree["provenance"] === undefined ? { "x-disable-provenance": "true" } : {},
    });
  }
  return { ...outcome, action: "created" };
}
