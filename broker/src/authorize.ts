import type { AedesOptions, Client } from "aedes";
import { BrokerError } from "./errors.ts";
import type { Traffic } from "./traffic.ts";

const IDENTIFIER_REJECTED = 2;

/** CONNACK 2 of MQTT 3.1.1 (section 3.1.3.1, [MQTT-3.1.3-8]). */
class IdentifierRejected extends BrokerError {
  readonly returnCode = IDENTIFIER_REJECTED;

  constructor() {
    super("a client without an id asked for a session that lasts: give it an id or connect with clean=true", {
      code: "empty-client-id",
    });
  }
}

/** What clients may do while no credentials exist: everything but what would break the broker's promises. */
export function openAccess(
  traffic: Traffic,
): Pick<AedesOptions, "preConnect" | "authenticate" | "authorizePublish" | "authorizeSubscribe" | "authorizeForward"> {
  const withoutId = new WeakSet<Client>();
  return {
    preConnect(client, packet, done) {
      // Refused in `authenticate`, because a refusal here closes the connection without a CONNACK.
      if (packet.clientId === "" && packet.clean === false) withoutId.add(client);
      done(null, true);
    },

    authenticate(client, _username, _password, done) {
      if (withoutId.has(client)) done(new IdentifierRejected(), false);
      else done(null, true);
    },

    authorizePublish(client, packet, done) {
      if (client && packet.topic.startsWith("$")) {
        done(
          new BrokerError(`${client.id} may not publish to ${packet.topic}: topics with $ are the broker's own`, {
            code: "reserved-topic",
          }),
        );
      } else done(null);
    },

    authorizeSubscribe(_client, subscription, done) {
      // Aedes would grant a shared subscription as a plain filter that never matches anything.
      const isShared = subscription.topic.startsWith("$share/");
      if (isShared) traffic.subscriptionRefused("shared");
      done(null, isShared ? null : subscription);
    },

    authorizeForward(client, packet) {
      // A client that gets a message before its CONNACK may stall for good; what is queued for it follows then.
      if (!(client as Client & { readonly connackSent: boolean }).connackSent) return null;
      traffic.messagesSent += 1;
      return packet;
    },
  };
}
