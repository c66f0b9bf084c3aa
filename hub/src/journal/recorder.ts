import {
  decodeMessage,
  encodeMessage,
  formatTopic,
  isTerminal,
  parseTopic,
  topicFilter,
  type Command,
  type Run,
} from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import type { Journal } from "./journal.ts";

/** After a connect the broker sends what it retains; silence this long means that it is through. */
const SETTLED_MS = 2_000;
const SETTLE_LIMIT_MS = 30_000;

/**
 * Writes every command and state on the broker into the journal, and gives back to the broker the retained commands that
 * it lost, or that an older revision took the place of: those of jobs that have not ended, of the highest known rev, unchanged.
 */
export class Recorder {
  readonly #connection: MqttConnection;
  readonly #journal: Journal;
  readonly #log: Logger;
  readonly #clock: Clock;
  /** The rev that the broker has shown last of each command since the newest connect. */
  #seen = new Map<string, number>();
  #lastMessageUs = 0;
  #restoredCommands = 0;
  #restoring: AbortController | undefined;

  private constructor(options: { connection: MqttConnection; journal: Journal; log: Logger; clock: Clock }) {
    this.#connection = options.connection;
    this.#journal = options.journal;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  static async start(options: {
    connection: MqttConnection;
    journal: Journal;
    log: Logger;
    clock: Clock;
  }): Promise<Recorder> {
    const recorder = new Recorder(options);
    const { connection } = options;
    connection.onDisconnect(() => recorder.#seen.clear());
    connection.onConnect(() => recorder.#restore());
    await connection.subscribe(topicFilter("command"), (message) => recorder.#command(message));
    await connection.subscribe(topicFilter("jobState"), (message) => recorder.#state(message));
    recorder.#restore();
    return recorder;
  }

  /** Commands that were given back to the broker since the start. */
  get restoredCommands(): number {
    return this.#restoredCommands;
  }

  stop(): void {
    this.#restoring?.abort();
  }

  #command({ topic, payload }: MqttMessage): void {
    this.#lastMessageUs = this.#clock.monotonicUs();
    const parsed = parseTopic(topic);
    // An author may take its retained command back; that is no command.
    if (parsed?.kind !== "command" || payload.byteLength === 0) return;
    const command = decodeMessage("command", payload);
    if (command.job !== parsed.job || command.op !== parsed.op) {
      this.#log.warn({ topic, job: command.job }, "ignored a command whose topic names another job");
      return;
    }
    this.#seen.set(topic, command.rev);
    this.#journal.command(parsed.device, command);
    this.#correct(parsed.device, command);
  }

  /** An author that was away and did not hear that its job was canceled may give back the command as it was. */
  #correct(device: string, shown: Command): void {
    const run = this.#journal.runOn(device, shown.job);
    const command = run?.command ?? null;
    if (run === undefined || command === null || command.rev <= shown.rev || !this.#isOpen(run)) return;
    this.#restoreCommand(device, command).catch((error: unknown) =>
      this.#log.warn({ err: error, device, job: shown.job }, "an old command was not replaced; the next connect tries"),
    );
  }

  #state({ topic, payload }: MqttMessage): void {
    this.#lastMessageUs = this.#clock.monotonicUs();
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "jobState" || payload.byteLength === 0) return;
    const state = decodeMessage("jobState", payload);
    if (state.job === parsed.job) this.#journal.state(parsed.device, state);
  }

  #restore(): void {
    this.#restoring?.abort();
    this.#restoring = new AbortController();
    const { signal } = this.#restoring;
    this.#restoreLost(signal).catch((error: unknown) => {
      if (!signal.aborted)
        this.#log.warn({ err: error }, "lost commands were not published again; the next connect tries");
    });
  }

  async #restoreLost(signal: AbortSignal): Promise<void> {
    await this.#settled(signal);
    for (const run of this.#journal.runs()) {
      if (signal.aborted || !this.#connection.connected) return;
      if (run.command !== null && this.#isOpen(run)) await this.#restoreCommand(run.device, run.command);
    }
  }

  async #settled(signal: AbortSignal): Promise<void> {
    const start = this.#clock.monotonicUs();
    this.#lastMessageUs = start;
    for (;;) {
      const now = this.#clock.monotonicUs();
      const quietMs = (now - this.#lastMessageUs) / 1000;
      if (quietMs >= SETTLED_MS || now - start > SETTLE_LIMIT_MS * 1000) return;
      await this.#clock.sleep(SETTLED_MS - quietMs, signal);
    }
  }

  /** A command that no agent has answered is open until it expires. */
  #isOpen({ command, state }: Run): boolean {
    if (state !== null) return !isTerminal(state.state);
    return command !== null && command.expiresAt > this.#clock.nowUs() / 1000;
  }

  async #restoreCommand(device: string, command: Command): Promise<void> {
    const topic = formatTopic({ kind: "command", device, op: command.op, job: command.job });
    if ((this.#seen.get(topic) ?? 0) >= command.rev) return;
    await this.#connection.publish(topic, encodeMessage("command", command), { qos: 1, retain: true });
    this.#restoredCommands += 1;
    this.#log.info({ device, job: command.job, rev: command.rev }, "gave a lost command back to the broker");
  }
}
