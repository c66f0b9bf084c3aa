import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { BlockList, isIP, isIPv6 } from "node:net";
import { ConfigError, RuntimeError } from "./errors.ts";
import { systemErrorCode } from "./system-error-code.ts";
import type { Logger } from "./logger.ts";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || (isIP(host) !== 0 && loopback.check(host, isIPv6(host) ? "ipv6" : "ipv4"));
}

/**
 * The address to bind to. Nothing listens beyond loopback until told to: another address needs `insecure` too, and is
 * logged as a warning. Throws ConfigError.
 */
export function listenAddress(options: { listen: string; insecure: boolean; log?: Logger }): string {
  const { listen: host, insecure, log } = options;
  if (isLoopback(host)) return host;
  if (!insecure) {
    throw new ConfigError([
      `--listen: ${host} is reachable from other machines and nothing authenticates them yet: add --insecure to accept that, or listen on 127.0.0.1`,
    ]);
  }
  log?.warn(
    { host },
    "listening beyond loopback without authentication: anyone who reaches this address can control the fleet",
  );
  return host;
}

function listenAdvice(error: unknown, { host, port, flag }: { host: string; port: number; flag: string }): string {
  switch (systemErrorCode(error)) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use: stop the other program or pass ${flag} 0 for a free one`;
    case "EACCES":
      return `port ${port} on ${host} needs privileges: pass ${flag} with a number above 1023`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is no address of this machine: pass --listen with one that is`;
    default:
      return `cannot listen on ${host} port ${port} (${systemErrorCode(error)}): pass another address or port (--listen, ${flag})`;
  }
}

/**
 * Binds a server (TCP or HTTP) and returns its port, which is the free one that the system chose when `port` is 0.
 * `flag` is the flag that sets the port, named in the RuntimeError that says why it failed and what to do.
 */
export async function listen(server: Server, options: { host: string; port: number; flag: string }): Promise<number> {
  try {
    server.listen(options.port, options.host);
    await once(server, "listening");
  } catch (cause) {
    throw new RuntimeError(listenAdvice(cause, options), { code: "listen", context: { ...options }, cause });
  }
  return (server.address() as AddressInfo).port;
}

/** `host:port` as URLs want it. */
export function hostPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
