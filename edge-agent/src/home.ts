import path from "node:path";
import { lockFolder, PREDECESSOR_WAIT_MS, type Clock, type FolderLock, type Logger } from "@edgewatt/runtime";
import { ArtifactCache } from "./artifacts/cache.ts";
import { megabytes, type AgentConfig } from "./config.ts";
import { agentFolder, unlessDiskState } from "./device/agent-folder.ts";
import { kernelBoot } from "./device/kernel-boot.ts";
import { JobJournal, type OpenedJournal } from "./jobs/journal.ts";
import { openTraces } from "./measure/trace-file.ts";
import { MadeModels } from "./models/made.ts";
import { DiskSpool } from "./telemetry/spool/disk-spool.ts";
import { WaitingLog } from "./telemetry/waiting/waiting-log.ts";

/** What the agent has on disk. */
export interface AgentHome {
  readonly folder: string;
  /** `undefined` on a disk that takes no files, where nobody else can write either. */
  readonly lock: FolderLock | undefined;
  readonly artifacts: ArtifactCache;
  readonly made: MadeModels;
  readonly traces: ArtifactCache;
  readonly spool: DiskSpool;
  readonly waitingLog: WaitingLog;
  readonly jobs: OpenedJournal;
}

export interface HomeContext {
  readonly config: AgentConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly root: string;
}

/** Opens the agent's folder, and repairs what a crash left. @throws when another agent works in it */
export async function openHome({ config, log, clock, signal, root }: HomeContext): Promise<AgentHome> {
  const folder = await agentFolder(path.join(config.data, `agent-${config.device}`));
  const inside = (name: string) => path.join(folder, name);
  // A second one would repair files of the spool that are being written, and take batches out of them.
  const lock = await lockFolder(folder, "agent", { waitMs: PREDECESSOR_WAIT_MS, signal }).catch((error: unknown) => {
    unlessDiskState(error);
    return undefined;
  });
  return {
    folder,
    lock,
    artifacts: await ArtifactCache.open(inside("cache"), megabytes(config.cacheMb)),
    made: await MadeModels.open(inside("made"), megabytes(config.cacheMb), { nowMs: () => clock.nowUs() / 1000 }),
    traces: await openTraces(inside("traces"), megabytes(config.traceMb)),
    spool: await DiskSpool.open({ dir: inside("spool"), capBytes: megabytes(config.spoolMb), clock, log }),
    waitingLog: await WaitingLog.open({
      file: path.join(inside("spool"), "waiting.log"),
      kernelBoot: kernelBoot(root),
      log,
    }),
    jobs: await JobJournal.open(inside("jobs"), log),
  };
}
