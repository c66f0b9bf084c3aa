import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ConfigError, RuntimeError } from "../src/errors.ts";
import { hostPort, listen, listenAddress } from "../src/listen.ts";

describe("listenAddress", () => {
  it.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("lets %s through", (host) => {
    expect(listenAddress({ listen: host, insecure: false })).toBe(host);
  });

  it.each(["0.0.0.0", "::", "192.168.1.4", "fe80::1", "pi-1.local", "127.0.0.1.example.org"])(
    "asks for --insecure to listen on %s",
    (host) => {
      expect(() => listenAddress({ listen: host, insecure: false })).toThrow(ConfigError);
      expect(listenAddress({ listen: host, insecure: true })).toBe(host);
    },
  );
});

describe("listen", () => {
  it("returns the free port that it took, and says what to do about one that is taken", async () => {
    const first = createServer();
    const second = createServer();
    const port = await listen(first, { host: "127.0.0.1", port: 0, flag: "--mqtt-port" });
    expect(port).toBeGreaterThan(0);
    const refused = listen(second, { host: "127.0.0.1", port, flag: "--mqtt-port" });
    await expect(refused).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use: stop the other program or pass --mqtt-port 0 for a free one`,
    );
    await expect(refused).rejects.toThrow(RuntimeError);
    first.close();
  });

  it("names an address that is not of this machine", async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737).
    const refused = listen(createServer(), { host: "192.0.2.1", port: 0, flag: "--mqtt-port" });
    await expect(refused).rejects.toThrow(/192\.0\.2\.1 is no address of this machine/);
  });
});

describe("hostPort", () => {
  it("brackets IPv6", () => {
    expect(hostPort("::1", 80)).toBe("[::1]:80");
    expect(hostPort("127.0.0.1", 80)).toBe("127.0.0.1:80");
  });
});
