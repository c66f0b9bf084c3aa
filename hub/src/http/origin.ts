import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { HttpError } from "../errors.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Ends of names that no public name server answers for. */
const PRIVATE_NAME = /^[^.]+$|\.(local|lan|home\.arpa|internal)$/;

/** By which names a hub is called. */
export interface HostNames {
  /** Whether it listens on this machine only. */
  readonly loopbackOnly: boolean;
  /** Public names that are its own, lower case. */
  readonly own: () => readonly string[];
}

function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

export function isLoopback(name: string): boolean {
  return name === "localhost" || (isIP(name) !== 0 && loopback.check(name, isIPv6(name) ? "ipv6" : "ipv4"));
}

/**
 * Refuses what a foreign web page makes a browser send: another origin, and a public name that somebody bent to the address of this
 * hub. Addresses and names that only a private network knows cannot be bent. @throws {HttpError} 403
 */
export function checkOrigin(request: IncomingMessage, { loopbackOnly, own }: HostNames): void {
  const host = request.headers.host ?? "";
  const name = hostName(host);
  if (loopbackOnly && !isLoopback(name)) {
    throw new HttpError(403, "foreign-host", `this hub answers on this machine only, not as ${host}`);
  }
  if (isIP(name) === 0 && !PRIVATE_NAME.test(name) && !own().includes(name)) {
    throw new HttpError(
      403,
      "foreign-host",
      `this hub does not answer as ${host}: if that is its name, say so with --public-url or --host-names`,
    );
  }
  const { origin } = request.headers;
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host) {
    throw new HttpError(403, "foreign-origin", "only pages of this hub may use it from a browser");
  }
}
