import type { IncomingMessage, ServerResponse } from "node:http";
import { EdgewattError } from "@edgewatt/protocol";
import type { Logger } from "@edgewatt/runtime";
import { HttpError } from "../errors.ts";

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
  /** Under which a browser saves it instead of showing it. */
  readonly filename?: string;
}

export function sendContent(request: IncomingMessage, response: ServerResponse, content: Content): void {
  const { type, body, status = 200, cache = "no-store", filename } = content;
  if (filename !== undefined) response.setHeader("Content-Disposition", `attachment; filename="edgewatt-${filename}"`);
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": cache,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

export function sendJson(request: IncomingMessage, response: ServerResponse, value: unknown, status = 200): void {
  sendContent(request, response, {
    type: "application/json; charset=utf-8",
    body: `${JSON.stringify(value)}\n`,
    status,
  });
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
