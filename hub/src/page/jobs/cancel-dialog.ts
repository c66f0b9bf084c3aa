import type { Run } from "@edgewatt/protocol";
import { getJson } from "../api.ts";
import { byId, dialogById, setText } from "../dom.ts";
import { messageOf, notify } from "../connection/notices.ts";
import type { Author } from "../start/author.ts";
import { isOverAs, type Job } from "./job-book.ts";

export interface CancelDialog {
  open(job: Job): void;
}

/** Asks before a job is canceled. */
export function createCancelDialog(author: Author): CancelDialog {
  const dialog = dialogById("cancel-dialog");
  let asked: Job | undefined;
  byId("cancel-keep").addEventListener("click", () => dialog.close());
  byId("cancel-confirm").addEventListener("click", () => {
    dialog.close();
    if (asked !== undefined) void cancel(asked, author);
  });
  return {
    open(job) {
      asked = job;
      setText(byId("cancel-title"), `Cancel ${job.op} on ${job.device}?`);
      setText(
        byId("cancel-text"),
        job.state?.startedAt === undefined
          ? "It has not begun, and never will."
          : "What it has measured so far is lost. A canceled job cannot be resumed.",
      );
      dialog.showModal();
    },
  };
}

async function cancel(job: Job, author: Author): Promise<void> {
  try {
    const command = job.command ?? (await getJson<Run>(`/api/runs/${job.job}`)).command;
    if (command === null) throw new Error("its command is not known any more; cancel it where it was started");
    if (!isOverAs(job.name)) await author.cancel(job.device, command);
  } catch (error) {
    notify(`${job.op} on ${job.device} was not canceled: ${messageOf(error)}`, "error");
  }
}
