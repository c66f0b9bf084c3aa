import type { IncomingMessage, ServerResponse } from "node:http";
import path from "node:path";
import { SHA256 } from "@edgewatt/protocol";
import { FileError } from "@edgewatt/runtime";
import send from "send";
import type { ArtifactStore } from "../artifacts/store.ts";
import { HttpError } from "../errors.ts";
import type { Library } from "../library/library.ts";
import { sendJson } from "./reply.ts";

const MAX_UPLOADS = 8;

/** `/artifacts/<sha256>`: GET and HEAD with Range and ETag = digest, PUT that checks the digest. */
export class ArtifactRoute {
  readonly #store: ArtifactStore;
  readonly #library: Library;
  #uploads = 0;

  constructor(store: ArtifactStore, library: Library) {
    this.#store = store;
    this.#library = library;
  }

  async handle(request: IncomingMessage, response: ServerResponse, sha256: string): Promise<void> {
    if (!SHA256.test(sha256)) {
      throw new HttpError(
        400,
        "bad-digest",
        "an artifact is named by the sha256 of its bytes: 64 lower-case hex digits",
      );
    }
    const { method = "" } = request;
    if (method === "GET" || method === "HEAD") return this.#get(request, response, sha256);
    if (method === "PUT") return this.#put(request, response, sha256);
    response.setHeader("Allow", "GET, HEAD, PUT");
    throw new HttpError(405, "method-not-allowed", `artifacts take GET, HEAD and PUT, not ${method}`);
  }

  async #get(request: IncomingMessage, response: ServerResponse, sha256: string): Promise<void> {
    const file = await this.#find(sha256);
    if (file === undefined) {
      throw new HttpError(404, "no-such-artifact", `this hub has no artifact ${sha256}: PUT it first`);
    }
    response.setHeader("ETag", `"${sha256}"`);
    response.setHeader("Content-Type", "application/octet-stream");
    await new Promise<void>((resolve, reject) => {
      const { dir: root, base } = path.parse(file);
      send(request, encodeURIComponent(base), {
        root,
        immutable: true,
        maxAge: "1y",
        lastModified: false,
        index: false,
      })
        .on("error", (error: Error & { status?: number }) => {
          const status = error.status ?? 500;
          reject(
            status === 416
              ? new HttpError(416, "bad-range", `the artifact has no bytes in range ${request.headers.range}`)
              : new HttpError(status, "not-readable", `artifact ${sha256} cannot be read: ${error.message}`),
          );
        })
        .on("end", resolve)
        .pipe(response)
        .on("close", resolve);
    });
  }

  /** Where the artifact is: in the store, or among the models and data sets that are here anyway. */
  async #find(sha256: string): Promise<string | undefined> {
    if (await this.#store.has(sha256)) {
      await this.#store.touch(sha256);
      return path.join(this.#store.dir, sha256);
    }
    return (await this.#library.find(sha256))?.path;
  }

  /** A list of models that cannot be read is no reason to refuse the result of a job. */
  async #isHere(sha256: string): Promise<boolean> {
    try {
      return (await this.#find(sha256)) !== undefined;
    } catch (error) {
      if (error instanceof FileError) return false;
      throw error;
    }
  }

  async #put(request: IncomingMessage, response: ServerResponse, sha256: string): Promise<void> {
    if (await this.#isHere(sha256)) {
      request.resume();
      sendJson(request, response, { sha256, created: false });
      return;
    }
    if (this.#uploads >= MAX_UPLOADS) {
      response.setHeader("Retry-After", "2");
      throw new HttpError(503, "busy", `this hub takes ${MAX_UPLOADS} uploads at a time: try again`);
    }
    this.#uploads++;
    try {
      const isAsked = request.headers.expect === "100-continue";
      const outcome = await this.#store.put(sha256, request, declaredBytes(request), () => {
        if (isAsked) response.writeContinue();
      });
      sendJson(request, response, { sha256, created: outcome === "created" }, outcome === "created" ? 201 : 200);
    } finally {
      this.#uploads--;
    }
  }
}

function declaredBytes(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}
