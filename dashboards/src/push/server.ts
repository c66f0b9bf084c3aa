import { z } from "zod";
import type { GrafanaClient } from "./client.ts";
import { GrafanaError } from "./errors.ts";

/** The oldest that reads the dashboards as they are. */
const OLDEST = 10;

const healthSchema = z.object({ database: z.string(), version: z.string().optional() });
const settingsSchema = z.object({ minRefreshInterval: z.string().optional() });

const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration such as `5s` or `1m30s`; 0 for what is none. */
export function seconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS[unit as keyof typeof SECONDS], 0);
}

export interface GrafanaServer {
  /** `null` where it does not tell. */
  readonly version: string | null;
  /** Shortest refresh that it saves a dashboard with; `undefined`: any. */
  readonly minRefresh: string | undefined;
}

/** Asks what answers at the address. @throws {GrafanaError} for what is no Grafana, or one too old */
export async function findServer(client: GrafanaClient): Promise<GrafanaServer> {
  const { url } = client;
  const { body } = await client.call("GET", "/api/health", {
    to: `find Grafana at ${url}`,
    expect: [404, 401, 403, 405],
  });
  const health = healthSchema.safeParse(body);
  if (!health.success) {
    throw new GrafanaError(`there is no Grafana at ${url}: its /api/health is not Grafana's; check address and path`, {
      code: "not-grafana",
      context: { url },
    });
  }
  const version = health.data.version ?? null;
  const major = version === null ? undefined : Number.parseInt(version, 10);
  if (major !== undefined && major < OLDEST) {
    throw new GrafanaError(`${url} is Grafana ${version}: the dashboards need ${OLDEST} or later`, {
      code: "too-old",
      context: { url, version },
    });
  }
  // With the token for the first time, so a wrong one shows before anything is done.
  const settings = await client.call("GET", "/api/frontend/settings", { to: "read Grafana's settings" });
  return { version, minRefresh: settingsSchema.safeParse(settings.body).data?.minRefreshInterval };
}
