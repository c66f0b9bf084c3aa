import { z } from "zod";

/**
 * The files that Grafana is provisioned with, as its structs of Grafana 11 and 12 read them (pkg/services/provisioning: `alerting/*_types.go`,
 * `datasources/types.go`, `dashboards/types.go`). Strict, since Grafana leaves a key that it does not know out without a word.
 */

/** `model.ParseDuration` of Prometheus. */
const duration = z.string().regex(/^(\d+(ms|[smhdwy]))+$|^0s?$/);
const uid = z.string().regex(/^[a-zA-Z0-9_-]{1,40}$/);
const refId = z.string().regex(/^[A-Z]$/);
/** Values that Grafana searches for variables of its environment, and the rule knows none. */
const plain = z.string().regex(/^[^$]*$/);

const influxModel = z.strictObject({
  refId,
  datasource: z.strictObject({ type: z.literal("influxdb"), uid }),
  query: z.string().includes("$timeFilter"),
  rawQuery: z.literal(true),
  resultFormat: z.literal("time_series"),
  intervalMs: z.number().int().positive(),
  maxDataPoints: z.number().int().positive(),
});
const expression = {
  refId,
  datasource: z.strictObject({ type: z.literal("__expr__"), uid: z.literal("__expr__") }),
  expression: z.string().min(1),
};
const expressionModel = z.discriminatedUnion("type", [
  z.strictObject({
    ...expression,
    type: z.literal("reduce"),
    reducer: z.enum(["sum", "mean", "min", "max", "count", "last", "median"]),
    settings: z.strictObject({ mode: z.enum(["dropNN", "replaceNN"]) }),
  }),
  z.strictObject({ ...expression, type: z.literal("math") }),
  z.strictObject({
    ...expression,
    type: z.literal("threshold"),
    // "threshold expression requires exactly one condition"
    conditions: z.tuple([
      z.strictObject({ evaluator: z.strictObject({ type: z.enum(["gt", "lt"]), params: z.tuple([z.number()]) }) }),
    ]),
  }),
]);

const range = z.strictObject({ from: z.number().int().nonnegative(), to: z.number().int().nonnegative() });
const query = z.union([
  z.strictObject({ refId, relativeTimeRange: range, datasourceUid: uid, model: influxModel }),
  z.strictObject({ refId, relativeTimeRange: range, datasourceUid: z.literal("__expr__"), model: expressionModel }),
]);

export const rulesFile = z.strictObject({
  apiVersion: z.literal(1),
  groups: z.array(
    z.strictObject({
      orgId: z.literal(1),
      name: plain.min(1).max(190),
      folder: plain.min(1),
      interval: duration,
      rules: z
        .array(
          z.strictObject({
            uid,
            title: plain.min(1).max(190),
            condition: refId,
            data: z.array(query).min(1),
            dashboardUid: uid,
            panelId: z.number().int().positive(),
            noDataState: z.enum(["Alerting", "NoData", "OK", "KeepLast"]),
            execErrState: z.enum(["Alerting", "Error", "OK", "KeepLast"]),
            for: duration,
            annotations: z.record(z.string(), plain.min(1)),
            labels: z.record(z.string().regex(/^[a-zA-Z_]\w*$/), plain.min(1)),
            isPaused: z.boolean(),
          }),
        )
        .min(1),
    }),
  ),
});

const receiver = { uid, disableResolveMessage: z.boolean() };
const byUrl = z.strictObject({ url: z.url() });

export const contactPointsFile = z.strictObject({
  apiVersion: z.literal(1),
  contactPoints: z.array(
    z.strictObject({
      orgId: z.literal(1),
      name: plain.min(1),
      receivers: z.array(
        z.discriminatedUnion("type", [
          z.strictObject({
            ...receiver,
            type: z.literal("email"),
            settings: z.strictObject({
              addresses: z.string().regex(/^[^;@\s]+@[^;@\s]+(;[^;@\s]+@[^;@\s]+)*$/),
              singleEmail: z.boolean(),
            }),
          }),
          ...(["webhook", "slack", "discord", "teams"] as const).map((type) =>
            z.strictObject({ ...receiver, type: z.literal(type), settings: byUrl }),
          ),
        ]),
      ),
    }),
  ),
});

export const policiesFile = z.strictObject({
  apiVersion: z.literal(1),
  policies: z.tuple([
    z.strictObject({ orgId: z.literal(1), receiver: z.string().min(1), group_by: z.array(z.string().min(1)) }),
  ]),
});

export const datasourcesFile = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string().min(1),
      uid,
      type: z.literal("influxdb"),
      access: z.enum(["proxy", "direct"]),
      url: z.string().min(1),
      user: z.string().min(1),
      isDefault: z.boolean(),
      editable: z.boolean(),
      jsonData: z.strictObject({
        dbName: z.string().min(1),
        httpMode: z.enum(["GET", "POST"]),
        timeInterval: z.string().regex(/^\d+(ms|s)$/),
      }),
      secureJsonData: z.strictObject({ password: z.string() }),
    }),
  ),
});

export const dashboardsFile = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string().min(1),
      type: z.literal("file"),
      folder: z.string().min(1),
      folderUid: uid,
      disableDeletion: z.boolean(),
      allowUiUpdates: z.boolean(),
      updateIntervalSeconds: z.number().int().positive(),
      options: z.strictObject({ path: z.string().startsWith("/") }),
    }),
  ),
});
