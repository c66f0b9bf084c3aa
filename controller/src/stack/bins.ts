import { createRequire } from "node:module";
import path from "node:path";
import { z } from "zod";
import { ControllerError } from "../errors.ts";

const require = createRequire(import.meta.url);

const MANIFESTS = {
  broker: () => require.resolve("@edgewatt/broker/package.json"),
  ingest: () => require.resolve("@edgewatt/ingest/package.json"),
  hub: () => require.resolve("@edgewatt/hub/package.json"),
  agent: () => require.resolve("@edgewatt/edge-agent/package.json"),
  dashboards: () => require.resolve("@edgewatt/dashboards/package.json"),
} as const;

/** The apps that the command line starts; each by its own bin, since nothing imports an app. */
export type AppName = keyof typeof MANIFESTS;

const manifestSchema = z.looseObject({ bin: z.record(z.string(), z.string()) });

/** Another script of an app's package, by its path in `dist`. */
export function scriptOf(app: AppName, script: string): string {
  return path.join(path.dirname(MANIFESTS[app]()), "dist", script);
}

/** The script that an app's package declares as its bin. */
export function binOf(app: AppName): string {
  const manifestPath = MANIFESTS[app]();
  const [script] = Object.values(manifestSchema.parse(require(manifestPath)).bin);
  if (script === undefined) {
    throw new ControllerError(`${manifestPath} declares no bin: install edgewatt again with npm ci`, {
      code: "no-bin",
      context: { app },
    });
  }
  return path.join(path.dirname(manifestPath), script);
}
