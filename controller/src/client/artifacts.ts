import { once } from "node:events";
import { createReadStream } from "node:fs";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import type { Artifact } from "@edgewatt/protocol";
import { hostId, sha256File, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { sizeOf } from "../file-size.ts";
import type { Device } from "./fleet.ts";

/** How one device gets files: in place when it sees the same ones, else through the hub. */
export type Offer = <K extends Artifact["kind"]>(
  file: string,
  kind: K,
  name: string,
) => Promise<Artifact & { kind: K }>;

/** @throws {UnreachableError} from the offer, when the device is another machine and there is no hub */
export function offerTo(device: Device, hubUrl: string | undefined): Offer {
  const sameFiles = device.info?.hardware.hostId === hostId();
  return async (file, kind, name) => {
    const bytes = await sizeOf(file);
    const sha256 = await sha256File(file);
    if (sameFiles) return { name, url: pathToFileURL(path.resolve(file)).href, sha256, bytes, kind };
    if (hubUrl === undefined) {
      throw new UnreachableError(
        `${device.id} is another machine and no hub is online to hand it ${name}: start one with \`edgewatt hub --broker URL\``,
        { code: "no-hub", context: { device: device.id, file } },
      );
    }
    return { name, url: await upload(hubUrl, { file, sha256, bytes }), sha256, bytes, kind };
  };
}

/** Where a device puts the files of its results. */
export function uploadBase(hubUrl: string): string {
  return new URL("/artifacts", hubUrl).href;
}

/** Puts a file into the hub; resolves with its address there. @throws {UnreachableError} */
export async function uploadFile(hubUrl: string, file: string, sha256: string): Promise<string> {
  return upload(hubUrl, { file, sha256, bytes: await sizeOf(file) });
}

async function upload(
  hubUrl: string,
  { file, sha256, bytes }: { file: string; sha256: string; bytes: number },
): Promise<string> {
  const url = `${uploadBase(hubUrl)}/${sha256}`;
  try {
    const known = await fetch(url, { method: "HEAD" });
    const status = known.ok ? known.status : await put(url, file, bytes);
    if (status >= 200 && status < 300) return url;
    throw uploadFailure(url, `it answers ${status}`);
  } catch (cause) {
    if (cause instanceof UnreachableError) throw cause;
    throw uploadFailure(url, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
}

/** Sends a file from disk; resolves with the status of the answer. */
async function put(url: string, file: string, bytes: number): Promise<number> {
  const send = url.startsWith("https:") ? httpsRequest : httpRequest;
  const request = send(url, { method: "PUT", headers: { "content-length": bytes } });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  // A hub that refuses answers before it has read everything.
  const sent = pipeline(createReadStream(file), request).then(() => answered);
  const [response] = await Promise.race([answered, sent]);
  response.resume();
  return response.statusCode ?? 0;
}

function uploadFailure(url: string, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `cannot upload to the hub at ${url} (${why}): check that the hub runs and can be reached from here`,
    {
      code: "upload-failed",
      retryable: true,
      context: { url },
      cause,
    },
  );
}
