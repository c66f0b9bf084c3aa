import { once } from "node:events";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import { RuntimeError } from "./errors.ts";

/** A server that neither reads nor answers for so long hangs; one that writes a large file to a slow disk takes less. */
const IDLE_MS = 120_000;
const MAX_SAID = 4096;
/** A server that knows nothing of `Expect` says nothing; then the body goes all the same (RFC 9110, section 10.1.1). */
const CONTINUE_WAIT_MS = 1000;

export interface PutAnswer {
  readonly status: number;
  /** Why a hub refuses and what to do, where it says so. */
  readonly said: string | undefined;
}

/**
 * Sends a file from disk with PUT, unless HEAD says that it is there already. Resolves with the answer; rejects with what
 * went wrong on the way, also when the server hangs.
 */
export async function putFile(url: string, file: string, signal: AbortSignal, idleMs = IDLE_MS): Promise<PutAnswer> {
  const known = await fetch(url, { method: "HEAD", signal: AbortSignal.any([signal, AbortSignal.timeout(idleMs)]) });
  if (known.ok) return { status: known.status, said: undefined };
  const { size } = await stat(file);
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  // Who refuses answers before the body is sent: an answer beside a body that nobody reads can be lost with the connection.
  const expect = "100-continue";
  const headers = { "content-length": size, "content-type": "application/octet-stream", expect };
  const request = send(url, { method: "PUT", headers, signal });
  request.setTimeout(idleMs, () => {
    request.destroy(new RuntimeError(`no answer for ${idleMs / 1000} s`, { code: "timeout" }));
  });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  request.flushHeaders();
  const isWanted = await Promise.race([
    answered.then(() => false),
    once(request, "continue").then(() => true),
    setTimeout(CONTINUE_WAIT_MS, true, { ref: false }),
  ]);
  if (!isWanted) return said((await answered)[0], request);
  const sent = pipeline(createReadStream(file), request).then(() => answered);
  const [response] = await Promise.race([answered, sent]);
  // A refused rest fails when the connection is closed; the answer is what counts.
  sent.catch(() => {});
  return said(response, request);
}

async function said(response: IncomingMessage, request: ClientRequest): Promise<PutAnswer> {
  const status = response.statusCode ?? 0;
  const message = status >= 300 ? await messageOf(response) : undefined;
  response.resume();
  // One that was refused has never sent its body.
  if (!request.writableEnded) request.destroy();
  return { status, said: message };
}

/** The message in an answer of the hub's, `{error, message}`; nothing in that of a proxy. */
async function messageOf(response: IncomingMessage): Promise<string | undefined> {
  let text = "";
  try {
    for await (const part of response.setEncoding("utf8")) {
      text += part as string;
      if (text.length > MAX_SAID) return undefined;
    }
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
