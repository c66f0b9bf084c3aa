import type { Run } from "@edgewatt/protocol";
import { getJson, type ResultsTable } from "./api.ts";
import { connect } from "./connection.ts";
import { showDevices } from "./devices-view.ts";
import { byId, setText } from "./dom.ts";
import { Fleet } from "./fleet.ts";
import { FrameLoop } from "./frame-loop.ts";
import { showJobs } from "./jobs-view.ts";
import { PowerChart } from "./power-chart.ts";
import { loadRecentPower } from "./recent-power.ts";
import { showResults } from "./results-view.ts";
import { showRuns } from "./runs-view.ts";

/** Ages go on without messages. */
const SHOW_MS = 1000;
/** Twice as often as a device tells: figures are seen soon, and not all cards change in one frame. */
const CARDS_MS = 50;
/** The hub hears of a job at the same moment as the page, and needs a moment to record it. */
const RELOAD_MS = 400;
const MAX_RELOADS = 10;

const fleet = new Fleet();
const chart = new PowerChart(byId("chart"), (id) => ({
  offsetMs: fleet.offsetOf(id),
  measuringUntilMs: fleet.devices.get(id)?.status?.measuringUntil,
}));
fleet.onPower = (point) => chart.add(point);
fleet.onWindow = (device, window) => chart.addWindow(device, window);
fleet.onClock = (device) => chart.forget(device);

let reload: ReturnType<typeof setTimeout> | undefined;
fleet.onJob = () => loadSoon(MAX_RELOADS);

function loadSoon(triesLeft: number): void {
  clearTimeout(reload);
  reload = setTimeout(() => void loadRuns(triesLeft), RELOAD_MS);
}

/** Whether the page has heard of a state that the hub has not recorded yet. */
function isBehind(recorded: readonly Run[]): boolean {
  const states = new Map(recorded.map(({ device, job, state }) => [`${device}/${job}`, state?.state]));
  return [...fleet.jobs].some(([key, heard]) => states.get(key) !== heard.state);
}

async function loadRuns(triesLeft: number): Promise<void> {
  try {
    const [{ jobs }, table] = await Promise.all([
      getJson<{ jobs: Run[] }>("/api/runs"),
      getJson<ResultsTable | null>("/api/table"),
    ]);
    byId("runs-empty").hidden = jobs.length > 0;
    byId("runs").hidden = jobs.length === 0;
    showRuns(byId("runs-body"), jobs);
    showResults(byId("results"), table);
    if (triesLeft > 0 && isBehind(jobs)) loadSoon(triesLeft - 1);
  } catch {
    // The hub is away; the connection says so, and its return loads again.
  }
}

function showConnected(connected: boolean): void {
  const pill = byId("connection");
  pill.dataset["state"] = connected ? "online" : "offline";
  setText(pill, connected ? "live" : "reconnecting …");
  if (!connected) return;
  loadSoon(MAX_RELOADS);
  void loadRecentPower(fleet);
}

function show(): void {
  showDevices(byId("devices"), fleet);
  showJobs(byId("jobs"), byId("jobs-empty"), fleet);
  byId("devices-empty").hidden = fleet.devices.size > 0;
  const count = [...fleet.devices.values()].filter((device) => device.status?.state === "online").length;
  setText(byId("device-count"), fleet.devices.size === 0 ? "" : `${count} of ${fleet.devices.size} online`);
}

const cards = new FrameLoop(show, CARDS_MS);
connect({
  onMessage: (topic, payload) => {
    fleet.apply(topic, payload);
    cards.request();
  },
  onConnected: showConnected,
});
setInterval(() => cards.request(), SHOW_MS);
