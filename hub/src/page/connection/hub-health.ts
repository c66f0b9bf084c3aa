import { byId, setText } from "../dom.ts";

const POLL_MS = 3_000;

let polling: ReturnType<typeof setInterval> | undefined;

/** Says above everything that what is shown may be old, whose fault it is and what to do; nothing while all is well. */
export function showConnection(connected: boolean): void {
  const pill = byId("connection");
  pill.dataset["state"] = connected ? "online" : "offline";
  setText(pill, connected ? "live" : "reconnecting …");
  clearInterval(polling);
  polling = undefined;
  byId("banner").hidden = connected;
  if (connected) return;
  void explain();
  polling = setInterval(() => void explain(), POLL_MS);
}

async function explain(): Promise<void> {
  const reason = (await hubAnswers())
    ? "The hub has lost the broker. Check that the broker runs."
    : "The hub cannot be reached. Check that edgewatt runs and that this machine has a network.";
  setText(byId("banner-text"), `${reason} What you see is the last that was heard; the page comes back by itself.`);
}

/** Any answer will do: it is the hub's own health that says it has no broker. */
async function hubAnswers(): Promise<boolean> {
  try {
    await fetch("/health", { cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}
