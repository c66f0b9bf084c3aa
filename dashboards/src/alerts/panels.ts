import { UIDS } from "../model/links.ts";

/** A panel that shows what a rule judges; the alert links to it. */
export interface PanelReference {
  readonly dashboardUid: string;
  readonly panelId: number;
}

export const POWER_PANEL: PanelReference = { dashboardUid: UIDS.livePower, panelId: 5 };
export const THROTTLING_PANEL: PanelReference = { dashboardUid: UIDS.livePower, panelId: 8 };
export const STATES_PANEL: PanelReference = { dashboardUid: UIDS.fleet, panelId: 3 };
export const GAPS_PANEL: PanelReference = { dashboardUid: UIDS.fleet, panelId: 5 };
export const RESULTS_PANEL: PanelReference = { dashboardUid: UIDS.study, panelId: 1 };
