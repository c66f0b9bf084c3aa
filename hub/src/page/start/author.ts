import type { Command } from "@edgewatt/protocol";
import type { Connection } from "../connection/connection.ts";
import type { JobBook } from "../jobs/job-book.ts";
import { ulid } from "../vendor/ulid.js";
import { cancellationOf, newCommand } from "../vendor/protocol/new-command.js";
import { formatTopic } from "../vendor/protocol/topics.js";

/** Whom a command names as its author. */
const BY = "page";
/** By then the broker has shown what it retains: a command that somebody else has canceled meanwhile is not to be given back. */
const RESEND_AFTER_MS = 2_000;

/** A command of this page. */
interface Own {
  readonly device: string;
  readonly command: Command;
}

/**
 * Starts and cancels jobs as their author. A broker that was restarted may have lost a command before anybody took it, so what was not
 * answered, nor changed by another author, is published again after each reconnect: a job that was accepted is not started twice by that.
 */
export class Author {
  readonly #connection: Connection;
  readonly #book: JobBook;
  readonly #own = new Map<string, Own>();
  #resending: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, book: JobBook) {
    this.#connection = connection;
    this.#book = book;
  }

  /** @throws {Error} when there is no connection; nothing was sent then */
  async start(device: string, asked: Pick<Command, "op" | "args">): Promise<void> {
    const command = newCommand({ ...asked, job: ulid(), by: BY, nowMs: Date.now() });
    await this.#publish(device, command);
    this.#book.watch(device, command.job);
  }

  /** @throws {Error} when there is no connection; nothing was sent then */
  async cancel(device: string, command: Command): Promise<void> {
    await this.#publish(device, cancellationOf(command, BY));
  }

  /** To be called after each connect. */
  onConnected(): void {
    clearTimeout(this.#resending);
    const before = [...this.#own];
    this.#resending = setTimeout(
      () => this.#resend(before.filter(([job, own]) => this.#own.get(job) === own)),
      RESEND_AFTER_MS,
    );
  }

  #resend(sent: readonly (readonly [job: string, Own])[]): void {
    for (const [job, { device, command }] of sent) {
      const isOld = Date.now() > command.expiresAt || this.#book.revOf(device, job) > command.rev;
      if (isOld || this.#book.isAnswered(device, command)) {
        this.#own.delete(job);
      } else {
        // The next connect tries again.
        this.#retain(device, command).catch(() => {});
      }
    }
  }

  async #publish(device: string, command: Command): Promise<void> {
    await this.#retain(device, command);
    this.#own.set(command.job, { device, command });
    this.#book.command(device, command);
  }

  async #retain(device: string, command: Command): Promise<void> {
    const { op, job } = command;
    await this.#connection.retain(formatTopic({ kind: "command", device, op, job }), command);
  }
}
