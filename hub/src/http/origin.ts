import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { HttpError } from "../errors.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

export function isLoopback(name: string): boolean {
  return name === "localhost" || (isIP(name) !== 0 && loopback.check(name, isIPv6(name) ? "ipv6" : "ipv4"));
}

/**
 * Refuses what a foreign web page makes a browser send: another origin, and (on a hub that listens on loopback alone)
 * a host name that was bent to loopback. @throws {HttpError} 403
 */
export function checkOrigin(request: IncomingMessage, loopbackOnly: boolean): void {
  const host = request.headers.host ?? "";
  if (loopbackOnly && !isLoopback(hostName(host))) {
    throw new HttpError(403, "foreign-host", `this hub answers on this machine only, not as ${host}`);
  }
  const { origin } = request.headers;
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host) {
    throw new HttpError(403, "foreign-origin", "only pages of this hub may use it from a browser");
  }
}
