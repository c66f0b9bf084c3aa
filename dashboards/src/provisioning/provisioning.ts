import { SAMPLE_INTERVAL } from "../model/panel.ts";
import { DASHBOARD_FOLDER, DATASOURCE } from "./names.ts";
import { generatedYaml } from "./yaml.ts";

/** Where Grafana finds the generated dashboards: mount or copy the folder `dashboards` there. */
const DASHBOARDS_DIR = "/etc/edgewatt/dashboards";

/** What Grafana is told of the database beside its address and its user, in files and over HTTP alike. */
export const DATASOURCE_OPTIONS = { dbName: "edgewatt", httpMode: "POST", timeInterval: SAMPLE_INTERVAL } as const;

/**
 * The data source, with a user that can only read: whoever may look at a dashboard may send any InfluxQL through it.
 * Grafana takes the address and the user from its environment.
 */
export function datasourceYaml(): string {
  return generatedYaml({
    apiVersion: 1,
    datasources: [
      {
        ...DATASOURCE,
        access: "proxy",
        url: "${EDGEWATT_INFLUX}",
        user: "${EDGEWATT_INFLUX_READ_USER}",
        isDefault: true,
        editable: false,
        jsonData: DATASOURCE_OPTIONS,
        secureJsonData: { password: "${EDGEWATT_INFLUX_READ_PASSWORD}" },
      },
    ],
  });
}

/** Tells Grafana to load the dashboards and to keep them as they were generated. */
export function dashboardsYaml(): string {
  return generatedYaml({
    apiVersion: 1,
    providers: [
      {
        name: "edgewatt",
        type: "file",
        folder: DASHBOARD_FOLDER.title,
        folderUid: DASHBOARD_FOLDER.uid,
        disableDeletion: true,
        allowUiUpdates: false,
        updateIntervalSeconds: 30,
        options: { path: DASHBOARDS_DIR },
      },
    ],
  });
}
