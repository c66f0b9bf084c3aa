import { once } from "node:events";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";

/**
 * Sends a file from disk with PUT, unless HEAD says that it is there already. Resolves with the status of the answer; rejects with what
 * went wrong on the way.
 */
export async function putFile(url: string, file: string, signal: AbortSignal): Promise<number> {
  const known = await fetch(url, { method: "HEAD", signal });
  if (known.ok) return known.status;
  const { size } = await stat(file);
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  const headers = { "content-length": size, "content-type": "application/octet-stream" };
  const request = send(url, { method: "PUT", headers, signal });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  // Who refuses answers before everything was read.
  const sent = pipeline(createReadStream(file), request).then(() => answered);
  const [response] = await Promise.race([answered, sent]);
  // A refused rest fails when the connection is closed; the answer is what counts.
  sent.catch(() => {});
  response.resume();
  return response.statusCode ?? 0;
}
