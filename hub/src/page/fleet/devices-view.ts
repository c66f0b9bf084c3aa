import { h, keyed, setText } from "../dom.ts";
import type { Device, Fleet } from "./fleet.ts";
import { ago, BY_NAME, watts, withUnit } from "../format.ts";
import { describeSource, isModelled } from "../vendor/protocol/power-sources.js";

const POWER_FRESH_MS = 10_000;

interface Card {
  readonly element: HTMLElement;
  readonly state: HTMLElement;
  readonly watts: HTMLElement;
  readonly source: HTMLElement;
  readonly board: HTMLElement;
  readonly temperature: HTMLElement;
  readonly cpu: HTMLElement;
  readonly seen: HTMLElement;
}

const cards = new Map<string, Card>();

/** The fleet, a card per device. */
export function showDevices(parent: Element, fleet: Fleet): void {
  const devices = [...fleet.devices.values()]
    .filter((device) => device.status !== undefined || device.info !== undefined)
    .sort((a, b) => BY_NAME.compare(a.id, b.id));
  keyed(parent, cards, devices, {
    key: (device) => device.id,
    create,
    update: (card, device) => update(card, device, fleet),
  });
}

function create(device: Device): Card {
  const card = {
    state: h("span", { class: "pill" }),
    watts: h("span", { class: "watts-figure" }, "–"),
    source: h("span", { class: "badge" }),
    board: h("p", { class: "muted board" }),
    temperature: h("dd"),
    cpu: h("dd"),
    seen: h("dd"),
  };
  const element = h(
    "li",
    { class: "card device", "data-device": device.id },
    h("div", { class: "row" }, h("h3", {}, device.id), card.state),
    h("p", { class: "watts" }, card.watts, h("span", { class: "unit" }, " W"), card.source),
    h(
      "dl",
      { class: "facts" },
      h("div", {}, h("dt", {}, "Temperature"), card.temperature),
      h("div", {}, h("dt", {}, "CPU"), card.cpu),
      h("div", {}, h("dt", {}, "Last seen"), card.seen),
    ),
    card.board,
  );
  return { element, ...card };
}

function update(card: Card, device: Device, fleet: Fleet): void {
  const now = Date.now();
  const state = fleet.stateOf(device, now);
  card.element.dataset["state"] = state;
  setText(card.state, state);
  const [channel] = device.info?.power ?? [];
  const power = channel === undefined ? [...device.watts.values()][0] : device.watts.get(channel.channel);
  // Without info the source is unknown, and the figure could be an unmarked estimate.
  const fresh =
    device.info !== undefined && power !== undefined && now - power.timeMs < POWER_FRESH_MS && state !== "offline";
  setText(card.watts, fresh ? watts(power.value) : "–");
  showSource(card.source, device);
  setText(card.temperature, withUnit(state === "offline" ? undefined : device.tempC, "°C", 1));
  setText(card.cpu, withUnit(state === "offline" ? undefined : device.cpuPct, "%"));
  setText(card.seen, lastSeen(device, now));
  const { hardware } = device.info ?? {};
  setText(card.board, hardware === undefined ? "" : `${hardware.board} · ${hardware.cores} × ${hardware.cpu}`);
}

/**
 * A goodbye says when it was said. The will of a device that was lost was written when it connected: it has been there since for no one knows
 * how long, unless this page or the hub has heard of it later.
 */
function lastSeen(device: Device, nowMs: number): string {
  const { status, toldMs = -Infinity } = device;
  const heardMs = Math.max(toldMs, ...[...device.watts.values()].map(({ timeMs }) => timeMs));
  if (status?.state !== "offline") return heardMs === -Infinity ? "–" : ago(heardMs, nowMs);
  if (heardMs >= status.ts) return ago(heardMs, nowMs);
  return status.cause === "shutdown" ? ago(status.ts, nowMs) : `≤ ${ago(status.ts, nowMs)}`;
}

function showSource(badge: HTMLElement, device: Device): void {
  const [channel] = device.info?.power ?? [];
  if (channel === undefined) {
    badge.classList.remove("estimate");
    badge.title = "";
    return setText(badge, device.info === undefined ? "" : "no meter");
  }
  const { source, fault } = channel;
  const modelled = isModelled(source);
  badge.classList.toggle("estimate", modelled);
  badge.title = describeSource(source);
  const name = modelled && source !== "estimate" ? `${source}, estimate` : source;
  setText(badge, fault === undefined ? name : `${name}: ${fault}`);
}
