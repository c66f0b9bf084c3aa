import path from "node:path";
import { createSimulatedBus, tempDir, type SimulatedBus, type SimulatedBusOptions } from "@edgewatt/testing";
import { RawBus } from "./raw-bus.ts";

/** A simulated bus and a process that talks to it through i2c-bus; both end with the scope. */
export class StartedBus implements AsyncDisposable {
  readonly bus: SimulatedBus;
  readonly raw: RawBus;
  readonly #dispose: () => PromiseLike<void>;

  private constructor(bus: SimulatedBus, dispose: () => PromiseLike<void>) {
    this.bus = bus;
    this.raw = new RawBus(bus);
    this.#dispose = dispose;
  }

  static async start(options: SimulatedBusOptions): Promise<StartedBus> {
    const dir = await tempDir();
    const bus = await createSimulatedBus(path.join(dir.path, "bus"), options);
    return new StartedBus(bus, () => dir[Symbol.asyncDispose]());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.raw[Symbol.asyncDispose]();
    await this.#dispose();
  }
}
