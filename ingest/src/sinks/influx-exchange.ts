import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Answer } from "./influx-answer.ts";

/** An answer longer than this is cut: only its beginning says anything. */
const MAX_ANSWER_LENGTH = 64 * 1024;

const current = new AsyncLocalStorage<(request: ClientRequest) => void>();

// Node.js tells here of each request of the process when it is sent, in the context of the call that made it.
subscribe("http.client.request.start", (message) =>
  current.getStore()?.((message as { request: ClientRequest }).request),
);

/** One call of a client that does not show its HTTP request, and the answer to that request. */
export class Exchange {
  #request: ClientRequest | undefined;
  #reject: (reason: Error) => void = () => {};

  /** Resolves with the answer whatever the client makes of it. @throws the system's error, the client's own where it sends nothing */
  answerTo(call: () => Promise<unknown>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      const watch = (request: ClientRequest): void => {
        this.#request = request;
        request.once("error", reject);
        request.once("response", (response: IncomingMessage) => this.#read(response, resolve));
      };
      current.run(watch, call).catch((error: unknown) => {
        if (this.#request === undefined && error instanceof Error) reject(error);
      });
    });
  }

  /** Gives the exchange up, for this reason. */
  end(reason: Error): void {
    this.#reject(reason);
    this.#request?.destroy();
  }

  #read(response: IncomingMessage, resolve: (answer: Answer) => void): void {
    let body = "";
    const finish = (): void => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, location: headers.location ?? null, body: body.slice(0, MAX_ANSWER_LENGTH) });
    };
    response.on("data", (chunk: Buffer | string) => {
      body += chunk.toString();
      if (body.length < MAX_ANSWER_LENGTH) return;
      finish();
      this.#request?.destroy();
    });
    response.once("end", finish);
    response.once("error", this.#reject);
  }
}
