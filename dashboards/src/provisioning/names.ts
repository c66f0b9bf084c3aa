/** The data source that Grafana is provisioned with; rules name it, as they have no variable to choose one by. */
export const DATASOURCE = { name: "edgewatt", uid: "edgewatt", type: "influxdb" } as const;

export const DASHBOARD_FOLDER = { title: "edgewatt", uid: "edgewatt" } as const;

/**
 * Not the folder of the dashboards: Grafana loads rules and dashboards from files in an order of its own, and a folder that the rules made
 * has the title that the dashboards' folder was to have.
 */
export const ALERT_FOLDER = { title: "edgewatt alerts", uid: "edgewatt-alerts" } as const;

/** The contact point, and the label by which a notification policy finds the rules. */
export const CONTACT_POINT = { name: "edgewatt", uid: "edgewatt-contact" } as const;
export const ALERT_LABEL = { name: "app", value: "edgewatt" } as const;
