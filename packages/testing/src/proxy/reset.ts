import type { Socket } from "node:net";

/** Ends a connection with RST. libuv cannot reset what it has begun to shut down, and would then never close it. */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
