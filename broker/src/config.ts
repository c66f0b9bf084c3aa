import { commonConfig, listenConfig, portNumber } from "@edgewatt/runtime";
import { z } from "zod";

export const brokerConfig = z.strictObject({
  ...listenConfig,
  mqttPort: portNumber.default(1883).describe("TCP port for MQTT, 0 for a free one"),
  wsPort: portNumber.optional().describe("TCP port for MQTT over WebSocket, 0 for a free one (off unless given)"),
  logLevel: commonConfig.logLevel,
  json: commonConfig.json,
});
