import { button, byId, h } from "../dom.ts";

const SHOWN_MS = 8_000;

/** Says something in passing; an error stays until it is put away. Screen readers hear both. */
export function notify(message: string, kind: "info" | "error" = "info"): void {
  const notice = h("div", { class: "notice", "data-kind": kind }, h("p", {}, message));
  notice.append(button("Dismiss", { class: "quiet" }, () => notice.remove()));
  byId(kind === "error" ? "alerts" : "notices").append(notice);
  if (kind === "info") setTimeout(() => notice.remove(), SHOWN_MS);
}

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
