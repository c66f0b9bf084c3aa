import type { Client } from "aedes";
import { BrokerError } from "./errors.ts";

/** Largest MQTT packet, without its fixed header, that a client may send. */
export const MAX_PACKET_BYTES = 256 * 1024;

/** The parts of mqtt-packet's parser that tell how long the packet will be before its bytes are collected. */
interface Parser {
  readonly packet: { readonly length: number };
  _parseLength(): boolean;
  _emitError(error: Error): false;
}

/**
 * Ends a connection at the header of a packet that is too large, before CONNECT too. Aedes 1.x has no option for this and
 * would collect up to 256 MB per connection from anyone, hence the reach into its parser.
 */
export function guardPacketSize(client: Client): void {
  const parser = (client as Client & { _parser: Parser })._parser;
  const parseLength = parser._parseLength.bind(parser);
  parser._parseLength = () => {
    if (!parseLength()) return false;
    const bytes = parser.packet.length;
    if (bytes <= MAX_PACKET_BYTES) return true;
    return parser._emitError(
      new BrokerError(
        `a packet of ${bytes} bytes is larger than the ${MAX_PACKET_BYTES} allowed: send less per message`,
        {
          code: "packet-too-large",
          context: { bytes, clientId: client.id },
        },
      ),
    );
  };
}
