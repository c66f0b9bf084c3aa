import type { IncomingMessage, ServerResponse } from "node:http";
import { EdgewattError } from "@edgewatt/protocol";
import type { Logger } from "@edgewatt/runtime";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { HttpError } from "../errors.ts";
import { chooseEncoding, isKnownVersion } from "./encoding.ts";
import type { PageFile } from "./page-files.ts";

/** Below it a body fits into one packet anyway. */
const COMPRESSED_FROM_BYTES = 1400;
/** For answers that are made anew for each request: fast rather than small. */
const GZIP_LEVEL = 4;
const YEAR_S = 31_536_000;

/** The page loads its own files only and runs no inline script; nothing may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
}

export interface Content {
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly status?: number;
  /** Default `no-store`: what the API says is true now. */
  readonly cache?: string;
}

/** A text that is large goes compressed to whoever takes that; what a response is without its body, HEAD tells too. */
export async function sendContent(request: IncomingMessage, response: ServerResponse, content: Content): Promise<void> {
  const { type, status = 200, cache = "no-store" } = content;
  const plain = Buffer.from(content.body);
  const large = plain.byteLength >= COMPRESSED_FROM_BYTES;
  const encoding = large ? chooseEncoding(request.headers["accept-encoding"], ["gzip", "identity"]) : "identity";
  const body = encoding === "gzip" ? await promisify(gzip)(plain, { level: GZIP_LEVEL }) : plain;
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": body.byteLength,
    "Cache-Control": cache,
    ...(large ? { Vary: "Accept-Encoding" } : {}),
    ...(encoding === "gzip" ? { "Content-Encoding": encoding } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** A file of the page in the encoding that the browser likes best, or 304 when it has that already. */
export function sendPageFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  const encoding = chooseEncoding(request.headers["accept-encoding"], [...file.bodies.keys()]);
  // Two encodings are two representations, and must not share a strong validator.
  const etag = `"${file.digest}${encoding === "identity" ? "" : `-${encoding}`}"`;
  response.setHeader("ETag", etag);
  response.setHeader("Vary", "Accept-Encoding");
  response.setHeader("Cache-Control", file.immutable ? `public, max-age=${YEAR_S}, immutable` : "no-cache");
  if (isKnownVersion(request.headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return;
  }
  const body = file.bodies.get(encoding);
  response.writeHead(200, {
    "Content-Type": file.type,
    "Content-Length": body?.byteLength ?? 0,
    ...(encoding === "identity" ? {} : { "Content-Encoding": encoding }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** What is short: health, answers to an upload, errors. */
export function sendJson(request: IncomingMessage, response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": body.byteLength,
    "Cache-Control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Any error as `{error, message}`; what nobody foresaw is logged and not shown. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // A body that is not read to its end would be taken for the next request.
  if (!request.complete) response.setHeader("Connection", "close");
  if (error instanceof HttpError) {
    sendJson(request, response, { error: error.code, message: error.message }, error.status);
    return;
  }
  log.error({ err: error, url: request.url }, "a request failed");
  const message = error instanceof EdgewattError ? error.message : "the hub failed; its log says why";
  sendJson(request, response, { error: "internal", message }, 500);
}
