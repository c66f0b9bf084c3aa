import { setImmediate as nextTurn } from "node:timers/promises";
import path from "node:path";
import { encodeMessage, isTerminal, type Command, type JobState } from "@edgewatt/protocol";
import { createLogger, systemClock } from "@edgewatt/runtime";
import { JobError } from "../../src/errors.ts";
import { JobJournal, type JobRecord } from "../../src/jobs/journal.ts";
import { Jobs } from "../../src/jobs/jobs.ts";
import type { Operation } from "../../src/jobs/operation.ts";
import { command as newCommand } from "../agent-rig.ts";
import { CrashingJournal } from "./crashing-journal.ts";
import { JobWitness } from "./job-witness.ts";

const log = createLogger({ name: "test", level: "silent" });
/** Turns of the event loop without a write to the journal after which nothing more is going to happen by itself. */
const QUIET_TURNS = 8;

interface Running {
  readonly job: string;
  progress(share: number): void;
  succeed(): void;
  fail(): void;
}

interface Agent {
  readonly jobs: Jobs;
  readonly journal: CrashingJournal;
  running: Running | undefined;
}

/**
 * The real jobs of an agent on a real folder, and around them what a bad world does: authors, a broker that forgets, a wire that
 * loses, doubles and reorders, an agent that is killed at any moment. A witness watches what must always hold.
 */
export class JobWorld {
  readonly witness = new JobWitness();
  /** What the broker keeps of the states. */
  readonly retained = new Map<string, JobState>();
  /** The newest command of each job, as the author, the broker or the hub keeps it. */
  readonly commands = new Map<string, Command>();
  readonly wire: Command[] = [];
  readonly sent: Command[] = [];
  synchronized = true;
  #link: "up" | "down" | "acks lost" = "up";
  #boot = 0;
  #dir: string;
  #agent!: Agent;

  private constructor(dir: string) {
    this.#dir = path.join(dir, "jobs");
  }

  static async create(dir: string): Promise<JobWorld> {
    const world = new JobWorld(dir);
    await world.#open();
    return world;
  }

  get running(): Running | undefined {
    return this.#agent.running;
  }

  publish(command: Command): void {
    this.commands.set(command.job, command);
    this.sent.push(command);
    this.wire.push(command);
  }

  order(over: Partial<Command>): void {
    this.publish(newCommand(`J${this.commands.size}`, {}, over));
  }

  /** A message on the wire arrives, unless there is no connection: then it is lost with it. */
  deliver(index: number): void {
    const [command] = this.wire.splice(index % this.wire.length, 1);
    if (command !== undefined && this.#link !== "down") this.#receive(command);
  }

  disconnect(how: "down" | "acks lost"): void {
    this.#link = how;
  }

  /** The subscription brings all retained commands again; the hub has given back those that the broker lost. */
  connect({ brokerForgot }: { readonly brokerForgot: boolean }): void {
    if (brokerForgot) this.retained.clear();
    this.#link = "up";
    this.#agent.jobs.publishOpen();
    for (const command of this.commands.values()) this.#receive(command);
  }

  /** kill -9 at the n-th write to the journal from now, before or after it is on disk; 0: now. */
  async crash(options: { readonly writes: number; readonly before: boolean }): Promise<void> {
    this.#agent.journal.dieAt(options);
    if (options.writes === 0) await this.#reopen();
  }

  /** What is due after a crash that came meanwhile. */
  async revive(): Promise<void> {
    if (this.#agent.journal.isDead) await this.#reopen();
  }

  async restart(): Promise<void> {
    await Promise.race([this.#agent.jobs.stop(), this.#agent.journal.died]);
    await this.#reopen();
  }

  /** Waits until the agent does nothing more by itself. */
  async quiet(): Promise<void> {
    do {
      await this.revive();
      let writes = -1;
      for (let turns = 0; turns < QUIET_TURNS; turns++) {
        const { started, inFlight } = this.#agent.journal;
        if (inFlight > 0 || started !== writes) turns = 0;
        writes = started;
        await nextTurn();
      }
    } while (this.#agent.journal.isDead);
  }

  /** Everything works from now on, and every job can end. */
  async end(): Promise<void> {
    await this.quiet();
    await this.crash({ writes: 0, before: true });
    this.synchronized = true;
    this.connect({ brokerForgot: false });
    while (this.wire.length > 0) this.deliver(0);
    await this.quiet();
    for (; this.running !== undefined; await this.quiet()) this.running.succeed();
  }

  /** What is on disk. */
  async journaled(): Promise<readonly JobRecord[]> {
    return (await JobJournal.open(this.#dir, log)).records;
  }

  async #reopen(): Promise<void> {
    await this.#agent.journal.kill();
    // Its operation dies with it; this only ends the timers of a process that is no more.
    this.#agent.running?.succeed();
    this.witness.died();
    await this.#open();
    if (this.#link !== "down") this.connect({ brokerForgot: false });
  }

  async #open(): Promise<void> {
    const { journal: real, records, damaged } = await JobJournal.open(this.#dir, log);
    const journal = new CrashingJournal(real);
    const operation: Operation = {
      name: "benchmark",
      parse: (args) => args,
      run: (_args, context) =>
        new Promise((resolve, reject) => {
          this.witness.started(context.job);
          let ended = false;
          const end = (how: () => void) => {
            if (ended) return;
            ended = true;
            if (!journal.isDead) this.witness.stopped(context.job);
            agent.running = undefined;
            how();
          };
          context.signal.addEventListener("abort", () => end(() => reject(context.signal.reason as Error)));
          agent.running = {
            job: context.job,
            progress: (share) => context.progress({ step: "measure", detail: "", share }),
            succeed: () => end(() => resolve({})),
            fail: () => end(() => reject(new JobError("it did not work", { code: "broken" }))),
          };
        }),
    };
    const jobs = new Jobs({
      journal: journal as unknown as JobJournal,
      records,
      damaged,
      remembered: [],
      operations: new Map([["benchmark" as const, operation]]),
      boot: ++this.#boot,
      clock: systemClock,
      log,
      clockSynchronized: () => this.synchronized,
      publishState: (state) => (journal.isDead ? new Promise(() => {}) : this.#publishState(state)),
      publishEvent: () => {},
      takeBack: () => Promise.resolve(),
      onFault: () => {},
      onRunning: () => {},
    });
    const agent: Agent = { jobs, journal, running: undefined };
    this.#agent = agent;
    jobs.start();
  }

  #receive(command: Command): void {
    const payload = Buffer.from(encodeMessage("command", command));
    this.#agent.jobs.receive({ op: command.op, job: command.job }, payload);
  }

  async #publishState(state: JobState): Promise<void> {
    if (this.#link === "down") throw new JobError("not connected", { code: "not-connected" });
    this.witness.published(state);
    this.retained.set(state.job, state);
    if (this.#link === "acks lost") throw new JobError("no PUBACK", { code: "connection-lost" });
  }
}

export function openRecords(records: readonly JobRecord[]): readonly JobRecord[] {
  return records.filter(({ state }) => !isTerminal(state.state));
}
