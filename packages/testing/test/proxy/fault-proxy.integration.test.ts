import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, FaultProxy } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** A target that keeps what it hears and can be told what to answer. */
class Target {
  readonly #server: Server;
  readonly sockets: Socket[] = [];
  heard = "";
  ended = 0;
  broken = 0;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on("data", (bytes) => (this.heard += bytes.toString()));
      socket.on("end", () => (this.ended += 1));
      socket.on("error", () => (this.broken += 1));
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as { port: number }).port;
  }

  say(text: string | Buffer): void {
    for (const socket of this.sockets) socket.write(text);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

class Client {
  readonly socket: Socket;
  heard = "";
  bytes = 0;
  firstMs = 0;
  lastMs = 0;
  /** `fin`, or the code of an error. */
  end: string | undefined;

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    this.socket.on("data", (bytes) => {
      this.lastMs = performance.now();
      this.firstMs ||= this.lastMs;
      this.heard += bytes.toString();
      this.bytes += bytes.byteLength;
    });
    this.socket.on("end", () => (this.end ??= "fin"));
    this.socket.on("error", (error: NodeJS.ErrnoException) => (this.end = error.code));
  }
}

/** Long enough that what could arrive has arrived; what must not arrive cannot be waited for. */
const QUIET_MS = 150;

describe("FaultProxy", () => {
  let target: Target;
  let proxy: FaultProxy;
  const clients: Client[] = [];

  const open = async (): Promise<Client> => {
    const before = target.sockets.length;
    const client = new Client(proxy.port);
    clients.push(client);
    await eventually(() => expect(target.sockets.length).toBe(before + 1));
    return client;
  };
  const hears = (read: () => string, text: string) => eventually(() => expect(read()).toBe(text));

  beforeEach(async () => {
    target = new Target();
    proxy = await FaultProxy.start({ target: { host: "127.0.0.1", port: await target.listen() } });
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    clients.length = 0;
    await proxy.close();
    target.close();
  });

  it("passes bytes both ways, and the end of each direction by itself", async () => {
    const client = await open();
    client.socket.end("question");
    await hears(() => target.heard, "question");
    await eventually(() => expect(target.ended).toBe(1));
    target.say("answer");
    await hears(() => client.heard, "answer");
    target.sockets[0]?.end();
    await eventually(() => expect(client.end).toBe("fin"));
    await eventually(() => expect(proxy.connections).toBe(0));
  });

  it("passes megabytes unchanged to a reader that is slower than the sender", async () => {
    const client = await open();
    const sent = Buffer.alloc(4_000_000, "0123456789");
    client.socket.pause();
    target.say(sent);
    await sleep(QUIET_MS);
    client.socket.resume();
    await eventually(() => expect(client.bytes).toBe(sent.byteLength));
    expect(client.heard === sent.toString()).toBe(true);
  });

  it("delays, and with jitter keeps the order", async () => {
    await proxy.set({ delayMs: 100, jitterMs: 200 });
    const client = await open();
    const beginMs = performance.now();
    for (let i = 0; i < 10; i++) {
      client.socket.write(`${i},`);
      await sleep(5);
    }
    await hears(() => target.heard, "0,1,2,3,4,5,6,7,8,9,");
    expect(performance.now() - beginMs).toBeGreaterThanOrEqual(100);
  });

  it("does not let a delay cost throughput", async () => {
    await proxy.set({ delayMs: 200 });
    const client = await open();
    for (let i = 0; i < 50; i++) {
      target.say("x".repeat(1000));
      await sleep(4);
    }
    await eventually(() => expect(client.bytes).toBe(50_000));
    // One after the other would be 50 × 200 ms.
    expect(client.lastMs - client.firstMs).toBeLessThan(5000);
  });

  it("throttles", async () => {
    await proxy.set({ bytesPerS: 20_000 });
    const client = await open();
    target.say(Buffer.alloc(10_000));
    await eventually(() => expect(client.bytes).toBe(10_000));
    expect(client.lastMs - client.firstMs).toBeGreaterThanOrEqual(400);
  });

  it("holds one direction, and lets go of every byte", async () => {
    const client = await open();
    await proxy.set({ hold: ["up"] });
    client.socket.write("waits");
    target.say("passes");
    await hears(() => client.heard, "passes");
    await sleep(QUIET_MS);
    expect(target.heard).toBe("");
    await proxy.set({});
    await hears(() => target.heard, "waits");
  });

  it("holds the end of a connection too", async () => {
    const client = await open();
    await proxy.set({ hold: ["up", "down"] });
    client.socket.resetAndDestroy();
    await sleep(QUIET_MS);
    expect(target.broken).toBe(0);
    await proxy.set({});
    await eventually(() => expect(target.broken).toBe(1));
  });

  it("leaves a connection half open: bytes and ends vanish, for good, while new connections work again", async () => {
    const client = await open();
    await proxy.set({ swallow: ["up", "down"] });
    client.socket.write("lost");
    target.say("lost too");
    await sleep(QUIET_MS);
    await proxy.set({});
    client.socket.write("of no use");
    const other = await open();
    other.socket.write("heard");
    await hears(() => target.heard, "heard");
    client.socket.end();
    await sleep(QUIET_MS);
    expect({ heard: client.heard, ended: target.ended, end: client.end }).toEqual({
      heard: "",
      ended: 0,
      end: undefined,
    });
  });

  it("hangs in the middle of an answer", async () => {
    const client = await open();
    await proxy.set({ hangAfterBytes: 5 });
    client.socket.write("question");
    await hears(() => target.heard, "question");
    target.say("half an answer");
    await hears(() => client.heard, "half ");
    await proxy.set({});
    target.say("more");
    await sleep(QUIET_MS);
    expect({ heard: client.heard, end: client.end }).toEqual({ heard: "half ", end: undefined });
  });

  it.each([
    ["rst", "ECONNRESET"],
    ["fin", "fin"],
  ] as const)("cuts with %s, on both sides", async (how, end) => {
    const client = await open();
    proxy.cut(how);
    await eventually(() => expect(client.end).toBe(end));
    await eventually(() => expect(target.broken + target.ended).toBe(1));
  });

  it("cuts a connection that one side has ended already", async () => {
    const client = await open();
    target.sockets[0]?.end();
    await eventually(() => expect(client.end).toBe("fin"));
    proxy.cut("rst");
    await eventually(() => expect(proxy.connections).toBe(0));
  });

  it("refuses, and listens on the same port again", async () => {
    const { port } = proxy;
    await proxy.set({ refuse: true });
    const refused = new Client(port);
    clients.push(refused);
    await eventually(() => expect(refused.end).toBe("ECONNREFUSED"));
    await proxy.set({});
    expect(proxy.port).toBe(port);
    const client = await open();
    client.socket.write("again");
    await hears(() => target.heard, "again");
  });

  it("resets a client whose target is not there", async () => {
    target.close();
    const client = new Client(proxy.port);
    clients.push(client);
    await eventually(() => expect(client.end).toBe("ECONNRESET"));
  });
});
