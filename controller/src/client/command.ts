import os from "node:os";
import { cancellationOf, type Command, encodeMessage, formatTopic } from "@edgewatt/protocol";
import { type MqttConnection, TransportError } from "@edgewatt/runtime";

/** Who asks, as the command tells it. */
export function author(): string {
  return `${os.userInfo().username}@${os.hostname()}`.slice(0, 100);
}

/**
 * The retained command of a job as long as somebody follows it. A broker that was restarted may have forgotten it and the state
 * that answered it, so it is published again after each reconnect: a job that was accepted is not started twice by that.
 */
export class PublishedCommand {
  readonly #connection: MqttConnection;
  readonly #device: string;
  readonly #stop: () => void;
  #command: Command;

  private constructor(connection: MqttConnection, device: string, command: Command) {
    this.#connection = connection;
    this.#device = device;
    this.#command = command;
    this.#stop = connection.onConnect(() => void this.#publish());
  }

  /** @throws {TransportError} when there is no connection */
  static async publish(connection: MqttConnection, device: string, command: Command): Promise<PublishedCommand> {
    const published = new PublishedCommand(connection, device, command);
    try {
      await published.#send();
    } catch (error) {
      published.stop();
      throw error;
    }
    return published;
  }

  /** Cancels the job: now, or as soon as the broker is back. */
  async cancel(): Promise<void> {
    this.#command = cancellationOf(this.#command, author());
    await this.#publish();
  }

  stop(): void {
    this.#stop();
  }

  async #publish(): Promise<void> {
    try {
      await this.#send();
    } catch (error) {
      // The next connect does it.
      if (!(error instanceof TransportError)) throw error;
    }
  }

  async #send(): Promise<void> {
    const { op, job } = this.#command;
    const topic = formatTopic({ kind: "command", device: this.#device, op, job });
    await this.#connection.publish(topic, encodeMessage("command", this.#command), { qos: 1, retain: true });
  }
}
