import type { Run } from "@edgewatt/protocol";
import { getJson } from "./api.ts";
import { connect } from "./connection/connection.ts";
import { showDevices } from "./fleet/devices-view.ts";
import { byId, setText } from "./dom.ts";
import { type DeviceJob, Fleet } from "./fleet/fleet.ts";
import { FrameLoop } from "./chart/frame-loop.ts";
import { showConnection } from "./connection/hub-health.ts";
import { createCancelDialog } from "./jobs/cancel-dialog.ts";
import { JobBook } from "./jobs/job-book.ts";
import { createJobsView } from "./jobs/jobs-view.ts";
import { notify } from "./connection/notices.ts";
import { PowerChart } from "./chart/power-chart.ts";
import { loadRecentPower } from "./fleet/recent-power.ts";
import { ResultsView } from "./results/results-view.ts";
import { isBehind } from "./runs/runs-behind.ts";
import { showRuns } from "./runs/runs-view.ts";
import { Author } from "./start/author.ts";
import { StartDialog } from "./start/start-dialog.ts";
import { watchTips } from "./tips.ts";

/** Ages go on without messages. */
const SHOW_MS = 1000;
/** Twice as often as a device tells: figures are seen soon, and not all cards change in one frame. */
const CARDS_MS = 50;
const JOBS_MS = 200;
/** The hub hears of a job at the same moment as the page, and needs a moment to record it. */
const RELOAD_MS = 400;
const MAX_RELOADS = 10;

const fleet = new Fleet();
const book = new JobBook(fleet);
const results = new ResultsView();
const chart = new PowerChart(byId("chart"), (id) => ({
  offsetMs: fleet.offsetOf(id),
  measuringUntilMs: fleet.devices.get(id)?.status?.measuringUntil,
}));
fleet.onPower = (point) => chart.add(point);
fleet.onWindow = (device, window) => chart.addWindow(device, window);
fleet.onClock = (device) => chart.forget(device);
fleet.onOther = (topic, message) => book.apply(topic, message);
fleet.onJob = (job) => {
  tell(job);
  loadSoon(MAX_RELOADS);
};

let reload: ReturnType<typeof setTimeout> | undefined;

function loadSoon(triesLeft: number): void {
  clearTimeout(reload);
  reload = setTimeout(() => void loadRuns(triesLeft), RELOAD_MS);
}

/** Ends of jobs that this page has in sight are news; a rejection waits to be read. */
function tell({ job, op, device, state, reason }: DeviceJob): void {
  if (!book.isWatched(device, job)) return;
  if (state === "succeeded" || state === "canceled") notify(`${op} on ${device}: ${state}`);
  if (state === "rejected")
    notify(`${device} does not take the ${op}: ${reason?.message ?? "no reason given"}`, "error");
}

async function loadRuns(triesLeft: number): Promise<void> {
  try {
    const { jobs } = await getJson<{ jobs: Run[] }>("/api/runs");
    byId("runs-empty").hidden = jobs.length > 0;
    byId("runs").hidden = jobs.length === 0;
    showRuns(byId("runs-body"), jobs);
    await results.load(jobs);
    if (triesLeft > 0 && isBehind(jobs, fleet.jobs)) loadSoon(triesLeft - 1);
  } catch {
    // The hub is away; the connection says so, and its return loads again.
  }
}

const connection = connect({
  onMessage: (topic, payload) => {
    fleet.apply(topic, payload);
    requestAll();
  },
  onConnected(connected) {
    showConnection(connected);
    if (!connected) return;
    author.onConnected();
    loadSoon(MAX_RELOADS);
    void loadRecentPower(fleet);
  },
});
const author = new Author(connection, book);
const startDialog = new StartDialog({ fleet, book, author });
const cancelDialog = createCancelDialog(author);
const jobsView = createJobsView({
  parent: byId("jobs"),
  empty: byId("jobs-empty"),
  book,
  fleet,
  onCancel: (job) => cancelDialog.open(job),
});

function show(): void {
  showDevices(byId("devices"), fleet);
  byId("devices-empty").hidden = fleet.devices.size > 0;
  const count = [...fleet.devices.values()].filter((device) => device.status?.state === "online").length;
  setText(byId("device-count"), fleet.devices.size === 0 ? "" : `${count} of ${fleet.devices.size} online`);
}

const cards = new FrameLoop(show, CARDS_MS);
const jobCards = new FrameLoop(() => jobsView.show(), JOBS_MS);

function requestAll(): void {
  cards.request();
  jobCards.request();
}

for (const opener of ["start", "start-first"]) byId(opener).addEventListener("click", () => startDialog.open());
watchTips();
setInterval(requestAll, SHOW_MS);
