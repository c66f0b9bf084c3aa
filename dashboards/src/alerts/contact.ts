import { ConfigError } from "@edgewatt/runtime";
import { z } from "zod";
import { CONTACT_POINT } from "../provisioning/names.ts";

/** Grafana's integrations that need one address and nothing else. */
const CONTACTS = ["email", "webhook", "slack", "discord", "teams"] as const;
type ContactType = (typeof CONTACTS)[number];

export interface Contact {
  readonly type: ContactType;
  /** Addresses of e-mail separated by commas, else one URL, which often holds a secret. */
  readonly address: string;
}

/** Who is told: keys of `edgewatt dashboards build` and `push`. */
export const contactConfig = {
  contact: z.enum(CONTACTS).optional().describe("how Grafana tells of an alert; nobody is told unless given"),
  contactAddress: z
    .string()
    .min(1)
    .optional()
    .describe("e-mail addresses separated by commas, or the URL of the webhook; best in the environment or the file"),
};

const ADDRESS = z.email();

function problemOf({ type, address }: Contact): string | undefined {
  // Some versions of Grafana expand variables of the environment in a contact point, some do not.
  if (address.includes("$")) return "expected no $, which Grafana may take for a variable: write %24 in a URL";
  if (type === "email") {
    const wrong = emails(address).filter((one) => !ADDRESS.safeParse(one).success);
    return wrong.length === 0 ? undefined : "expected e-mail addresses separated by commas";
  }
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)
    ? undefined
    : "expected a URL with http or https";
}

function emails(address: string): string[] {
  return address.split(",").map((one) => one.trim());
}

/** @throws {ConfigError} for one without the other, and for an address that does not fit; the message never holds it */
export function contactOf(config: {
  contact?: ContactType | undefined;
  contactAddress?: string | undefined;
}): Contact | undefined {
  const { contact: type, contactAddress: address } = config;
  if (type === undefined && address === undefined) return undefined;
  if (type === undefined)
    throw new ConfigError([`--contact: is required with --contact-address: one of ${CONTACTS.join(", ")}`]);
  if (address === undefined) throw new ConfigError([`--contact-address: is required with --contact ${type}`]);
  const problem = problemOf({ type, address });
  if (problem !== undefined) throw new ConfigError([`--contact-address: ${problem}`]);
  return { type, address };
}

export interface ContactPoint {
  readonly uid: string;
  readonly name: string;
  readonly type: ContactType;
  readonly settings: Readonly<Record<string, string | boolean>>;
  readonly disableResolveMessage: boolean;
}

/** The contact point as Grafana knows it, in files and over HTTP alike. */
export function contactPoint({ type, address }: Contact): ContactPoint {
  const settings = type === "email" ? { addresses: emails(address).join(";"), singleEmail: false } : { url: address };
  return { ...CONTACT_POINT, type, settings, disableResolveMessage: false };
}
