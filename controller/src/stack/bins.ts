import { createRequire } from "node:module";
import path from "node:path";
import { z } from "zod";
import { ControllerError } from "../errors.ts";

const PACKAGES = {
  broker: "@edgewatt/broker",
  ingest: "@edgewatt/ingest",
  hub: "@edgewatt/hub",
  agent: "@edgewatt/edge-agent",
  dashboards: "@edgewatt/dashboards",
} as const;

/** The apps that the command line starts; each by its own bin, since nothing imports an app. */
export type AppName = keyof typeof PACKAGES;

const manifestSchema = z.looseObject({ bin: z.record(z.string(), z.string()) });

/** The script that an app's package declares as its bin. */
export function binOf(app: AppName): string {
  const require = createRequire(import.meta.url);
  const manifestPath = require.resolve(`${PACKAGES[app]}/package.json`);
  const [script] = Object.values(manifestSchema.parse(require(manifestPath)).bin);
  if (script === undefined) {
    throw new ControllerError(`${manifestPath} declares no bin: install edgewatt again with npm ci`, {
      code: "no-bin",
      context: { app },
    });
  }
  return path.join(path.dirname(manifestPath), script);
}
