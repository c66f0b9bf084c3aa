import { counted, describeSource, isModelled, type PowerChannel } from "@edgewatt/protocol";
import { type Context, print, printJson, say } from "../context.ts";
import { columns } from "../columns.ts";
import { withConnection } from "../client/broker.ts";
import { checkPresence, type Device, findDevice, readFleet } from "../client/fleet.ts";
import type { BrokerOption } from "../options.ts";

function powerOf(device: Device): string {
  const channels = device.info?.power ?? [];
  return (
    channels
      .map(({ channel, source, rateHz, fault }) => {
        const mark = isModelled(source) && source !== "estimate" ? " (estimate)" : "";
        return `${channel}: ${source}${mark}, ${fault === undefined ? rateOf(rateHz) : "faulty"}`;
      })
      .join("; ") || "–"
  );
}

function rateOf(hz: number): string {
  return `${Number(hz.toPrecision(4))} Hz`;
}

/** What a channel measures and how fast, with what it takes to measure it again, and why it does not where it is so. */
function channelRows({ channel, source, rateHz, settings, fault }: PowerChannel): string[][] {
  const shown = Object.entries(settings).map(([key, value]) => `${key} ${value}`);
  return [
    [`Power ${channel}`, `${describeSource(source)}; ${rateOf(rateHz)}`],
    ...(shown.length === 0 ? [] : [["", shown.join(", ")]]),
    ...(fault === undefined ? [] : [["", `faulty: ${fault}`]]),
  ];
}

function row(device: Device): string[] {
  const { id, presence, info } = device;
  return [
    id,
    presence,
    info?.hardware.board ?? "–",
    info === undefined ? "–" : String(info.hardware.cores),
    powerOf(device),
    info?.versions.edgewatt ?? "–",
  ];
}

/** The fleet as the broker knows it. */
export async function listDevices(context: Context, options: BrokerOption): Promise<void> {
  const { devices } = await withConnection(context, options, async (connection) =>
    checkPresence(connection, await readFleet(connection), context.signal),
  );
  if (options.json === true) return printJson(context, { devices });
  if (devices.length === 0)
    return say(
      context,
      "no device has ever announced itself at this broker: start an agent with `edgewatt agent --broker URL --device ID`",
    );
  print(context, columns(["DEVICE", "STATE", "BOARD", "CORES", "POWER", "VERSION"], devices.map(row)));
}

/** Everything that a device said about itself. */
export async function showDevice(context: Context, id: string, options: BrokerOption): Promise<void> {
  const device = await withConnection(context, options, async (connection) => {
    const fleet = await readFleet(connection);
    const named = findDevice(fleet, id);
    const checked = await checkPresence(connection, { ...fleet, devices: [named] }, context.signal);
    return findDevice(checked, id);
  });
  if (options.json === true) return printJson(context, device);
  const { presence, status, info } = device;
  const rows = [
    [
      "State",
      `${presence} since ${new Date(status.ts).toISOString()}${status.cause === undefined ? "" : ` (${status.cause})`}`,
    ],
    ...(info === undefined
      ? []
      : [
          ["Board", info.hardware.board],
          ["Processor", `${info.hardware.cpu}, ${counted(info.hardware.cores, "core")}, ${info.hardware.arch}`],
          ...(info.affinity === undefined ? [] : [["Bound to", info.affinity]]),
          ["Governor", info.hardware.governor ?? "not known"],
          ["Memory", `${Math.round(info.hardware.memoryMb)} MB`],
          ["System", info.hardware.os],
          [
            "Versions",
            `edgewatt ${info.versions.edgewatt}, Node ${info.versions.node}, ONNX Runtime ${info.versions.onnxruntime}`,
          ],
          ["Clock", info.clock.synchronized ? "synchronized" : "not synchronized"],
          ["Operations", info.operations.join(", ")],
          ...info.power.flatMap(channelRows),
          ...(info.faults ?? []).map(({ code, message }) => [`Fault ${code}`, message]),
        ]),
  ];
  print(context, columns([id, ""], rows));
}
