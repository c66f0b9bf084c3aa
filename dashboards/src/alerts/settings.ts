import { DEVICE_ID } from "@edgewatt/protocol";
import { z } from "zod";
import { contactConfig, contactOf, type Contact } from "./contact.ts";

/** `DEVICE=WATTS` as text and as its two parts. */
function limitOf(text: string): [device: string, watts: number] {
  const [device = "", watts = ""] = text.split("=");
  return [device, watts.trim() === "" ? Number.NaN : Number(watts)];
}

function isLimit(text: string): boolean {
  const [device, watts] = limitOf(text);
  return DEVICE_ID.test(device) && Number.isFinite(watts) && watts > 0;
}

const DAY_S = 86_400;

/** What the alerts are configured with: keys of `edgewatt dashboards build` and `push`. */
export const alertConfig = {
  powerLimitW: z
    .number()
    .positive()
    .default(15)
    .describe("power of a channel above which an alert is raised, W; 15 is what a supply of 5.1 V and 3 A gives"),
  powerLimits: z
    .array(z.string().refine(isLimit, "expected DEVICE=WATTS, such as pi-1=8.5"))
    .refine((list) => new Set(list.map((text) => limitOf(text)[0])).size === list.length, "a device is there twice")
    .default([])
    .describe("devices with a limit of their own, each DEVICE=WATTS"),
  silentAfterS: z
    .number()
    .int()
    .min(30)
    .max(DAY_S / 24)
    .default(120)
    .describe(
      "silence after which a device is reported, within as long again, s; longer than a --strict window is silent",
    ),
  energyWorsePct: z
    .number()
    .positive()
    .default(10)
    .describe("how much more energy per image than in the last good run raises an alert, %"),
  ...contactConfig,
};

const alertSchema = z.object(alertConfig);

export interface AlertSettings {
  readonly powerLimitW: number;
  /** W by device. */
  readonly powerLimits: ReadonlyMap<string, number>;
  readonly silentAfterS: number;
  readonly energyWorsePct: number;
  /** Absent: nobody is told, and Grafana's own list of alerts is all there is. */
  readonly contact: Contact | undefined;
}

/** The settings of a configuration. @throws {ConfigError} for a contact without its address, or the other way round */
export function alertSettings(config: z.output<typeof alertSchema>): AlertSettings {
  const { powerLimitW, powerLimits, silentAfterS, energyWorsePct } = config;
  return {
    powerLimitW,
    powerLimits: new Map(powerLimits.map(limitOf)),
    silentAfterS,
    energyWorsePct,
    contact: contactOf(config),
  };
}

/** What holds where nothing is configured. */
export function defaultAlertSettings(): AlertSettings {
  return alertSettings(alertSchema.parse({}));
}
