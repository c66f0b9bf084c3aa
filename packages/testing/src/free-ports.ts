import getPort from "get-port";
import type { TestChild } from "./child.ts";
import { TestingError } from "./errors.ts";
import { eventually } from "./eventually.ts";

const ATTEMPTS = 3;

/**
 * Starts a program that cannot choose free ports itself. Between our choice and its bind another process may take one, so
 * a program that ends before `probe` succeeds is started again on other ports.
 */
export async function startOnFreePorts<P>(options: {
  name: string;
  choose: (freePort: () => Promise<number>) => Promise<P>;
  start: (ports: P) => Promise<TestChild>;
  probe: (ports: P) => Promise<void>;
}): Promise<{ child: TestChild; ports: P }> {
  const { name, choose, start, probe } = options;
  let output = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ports = await choose(() => getPort({ host: "127.0.0.1" }));
    const child = await start(ports);
    const ready = eventually(() => probe(ports)).then(
      () => true,
      () => false,
    );
    if (await Promise.race([ready, child.ended.then(() => false)])) return { child, ports };
    await child.stop("SIGKILL");
    output = child.stdout() + child.stderr();
  }
  throw new TestingError(`${name} did not start\n${output}`, { code: "not-ready" });
}
