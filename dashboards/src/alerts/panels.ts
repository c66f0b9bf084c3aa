/** A panel that shows what a rule judges; the alert links to it. */
export interface PanelReference {
  readonly dashboardUid: string;
  readonly panelId: number;
}

export const POWER_PANEL: PanelReference = { dashboardUid: "edgewatt-live-power", panelId: 5 };
export const LOAD_PANEL: PanelReference = { dashboardUid: "edgewatt-live-power", panelId: 7 };
export const THROTTLING_PANEL: PanelReference = { dashboardUid: "edgewatt-live-power", panelId: 8 };
export const RESULTS_PANEL: PanelReference = { dashboardUid: "edgewatt-study", panelId: 1 };
