import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Artifact, EdgewattError } from "@edgewatt/protocol";
import { hostId, putFile, sha256File, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { ControllerError } from "../errors.ts";
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
    return { name, url: await uploadFile(hubUrl, { file, sha256 }), sha256, bytes, kind };
  };
}

/** Where a device puts the files of its results. */
export function uploadBase(hubUrl: string): string {
  return new URL("/artifacts", hubUrl).href;
}

/** A file of any size over a link of any speed. */
const UNBOUNDED = new AbortController().signal;

/** Puts a file into the hub; resolves with its address there. @throws {UnreachableError | ControllerError} when it refuses */
export async function uploadFile(hubUrl: string, { file, sha256 }: { file: string; sha256: string }): Promise<string> {
  const url = `${uploadBase(hubUrl)}/${sha256}`;
  try {
    const { status, said } = await putFile(url, file, UNBOUNDED);
    if (status >= 200 && status < 300) return url;
    if (said === undefined) throw uploadFailure(url, `it answers ${status}`);
    throw new ControllerError(`the hub does not take ${path.basename(file)}: ${said}`, {
      code: "upload-refused",
      retryable: status >= 500,
      context: { url, file, status },
    });
  } catch (cause) {
    if (cause instanceof EdgewattError && cause.code.startsWith("upload-")) throw cause;
    throw uploadFailure(url, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
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
