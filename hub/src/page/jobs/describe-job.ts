import type { Device } from "../fleet/fleet.ts";
import { clockTime, duration } from "../format.ts";
import { counted } from "../vendor/protocol/counted.js";
import { isOverAs, type Job } from "./job-book.ts";

/** What can be done about a rejection, by the code of its reason. */
const ADVICE: Readonly<Record<string, string>> = {
  busy: "Cancel one that waits, or start it again later.",
  unsupported: "Choose another device, or update the agent of this one.",
  expired: "Start it again; if that happens again, check the clocks of this machine and the device.",
  invalid: "Page and agent may be of different versions: update the older one.",
};

/** What a job does now, or how it ended, in a sentence. */
export function describeJob({ name, state, command, device }: Job, known: Device | undefined): string {
  if (name === "waiting") return describeWaiting(command?.expiresAt, device, known);
  if (name === "expired") return `${device} did not take it in time. Check that its agent runs, and start it again.`;
  if (name === "canceling") return "Canceling: waits for the device to confirm it";
  if (name === "accepted") {
    const ahead = state?.position ?? 0;
    return ahead === 0 ? "Next in line" : `Waits behind ${counted(ahead, "job")}`;
  }
  if (name === "interrupted") return state?.reason?.message ?? "Interrupted; the agent takes it up again";
  if (name === "running") return stepOf(state) || "Starting";
  if (name === "succeeded") return "Done";
  const reason = state?.reason;
  if (reason === undefined) return name.replace("_", " ");
  const advice = name === "rejected" ? ADVICE[reason.code] : undefined;
  return advice === undefined ? reason.message : `${sentence(reason.message)} ${advice}`;
}

/** How long it has run, is expected to run, or ran. @param nowMs on the clock of the device */
export function describeTime({ name, state, remainingS }: Job, nowMs: number): string {
  if (state?.startedAt === undefined) return "";
  const ranS = Math.max(0, ((isOverAs(name) ? (state.endedAt ?? nowMs) : nowMs) - state.startedAt) / 1000);
  const parts = [isOverAs(name) ? `took ${duration(ranS)}` : duration(ranS)];
  if (remainingS !== undefined) parts.push(`about ${duration(remainingS)} left at this pace`);
  if (state.attempt > 1) parts.push(`attempt ${state.attempt}`);
  return parts.join(" · ");
}

function stepOf(state: Job["state"]): string {
  return [state?.step, state?.detail].filter((part) => part !== undefined).join(": ");
}

function describeWaiting(expiresAt: number | undefined, id: string, device: Device | undefined): string {
  const until = expiresAt === undefined ? "" : ` until ${clockTime(expiresAt)}`;
  return device?.status?.state === "online"
    ? `Sent; ${id} has not answered yet`
    : `${id} is not online: it takes the job when it is back${until}`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
