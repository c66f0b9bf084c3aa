import type { SessionOptions } from "./messages.ts";

export type ToFirstSession = { readonly type: "open" } & SessionOptions;

export interface FirstSession {
  readonly type: "opened";
  /** By how much the peak of resident memory rose, 10^6 bytes. */
  readonly sessionMb: number;
}

export type FromFirstSession =
  | FirstSession
  | { readonly type: "failed"; readonly code: string; readonly message: string };
