import { seconds } from "../../src/push/server.ts";

type Json = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

interface StoredDashboard {
  dashboard: Json & { uid: string; title: string; version: number };
  folderUid: string;
  provisioned: boolean;
  versions: { version: number; message: string; createdBy: string; created: string }[];
}

const ok = (body: unknown, status = 200): Reply => ({ status, body });
const no = (status: number, message: string, more: Json = {}): Reply => ({ status, body: { message, ...more } });

/**
 * What a Grafana keeps of the things that are pushed, and how it answers, as its HTTP API documentation (Dashboard, Folder, Data source,
 * Alerting provisioning) and pkg/services/dashboards/errors.go tell.
 */
export class StandInState {
  readonly folders = new Map<string, Json>();
  readonly dashboards = new Map<string, StoredDashboard>();
  readonly datasources = new Map<string, Json>();
  readonly groups = new Map<string, Json & { rules: Json[] }>();
  readonly contactPoints: Json[] = [];
  policies: Json = { receiver: "grafana-default-email", group_by: ["grafana_folder", "alertname"], routes: [] };
  minRefreshInterval = "1s";
  /** Grafana 11 and later. */
  versionsAsObject = true;

  folder(uid: string): Reply {
    const folder = this.folders.get(uid);
    return folder ? ok(folder) : no(404, "folder not found");
  }

  createFolder({ uid, title }: Json): Reply {
    if ([...this.folders.values()].some((folder) => folder["title"] === title)) {
      return no(409, "a folder with the same name already exists in the current location");
    }
    const folder = { id: this.folders.size + 1, uid, title, version: 1 };
    this.folders.set(String(uid), folder);
    return ok(folder);
  }

  dashboard(uid: string): Reply {
    const stored = this.dashboards.get(uid);
    if (!stored) return no(404, "Dashboard not found");
    const { dashboard, folderUid, provisioned } = stored;
    return ok({ dashboard, meta: { folderUid, provisioned, version: dashboard.version } });
  }

  versions(uid: string): Reply {
    const versions = this.dashboards.get(uid)?.versions.toReversed().slice(0, 1) ?? [];
    return ok(this.versionsAsObject ? { continueToken: "", versions } : versions);
  }

  saveDashboard(body: Json, by: string): Reply {
    const { dashboard: given, folderUid = "", message = "", overwrite = false } = body;
    const dashboard = given as StoredDashboard["dashboard"] & { refresh?: string };
    const { uid, title, version } = dashboard;
    const stored = this.dashboards.get(uid);
    if (stored?.provisioned) return no(400, "Cannot save provisioned dashboard");
    if (dashboard.refresh && seconds(dashboard.refresh) < seconds(this.minRefreshInterval)) {
      return no(400, "Dashboard refresh interval is too low");
    }
    if (folderUid !== "" && !this.folders.has(String(folderUid))) return no(400, "folder not found");
    if (overwrite !== true) {
      if (stored && stored.dashboard.version !== version) {
        return no(412, "The dashboard has been changed by someone else", { status: "version-mismatch" });
      }
      const sameName = [...this.dashboards.values()].some(
        (other) => other.dashboard.uid !== uid && other.folderUid === folderUid && other.dashboard.title === title,
      );
      if (sameName) {
        return no(412, "A dashboard with the same name in the folder already exists", { status: "name-exists" });
      }
    }
    const next = (stored?.dashboard.version ?? 0) + 1;
    const entry = { version: next, message: String(message), createdBy: by, created: "2026-11-26T08:00:00Z" };
    this.dashboards.set(uid, {
      dashboard: { ...dashboard, id: stored?.dashboard["id"] ?? this.dashboards.size + 1, version: next },
      folderUid: String(folderUid),
      provisioned: false,
      versions: [...(stored?.versions ?? []), entry],
    });
    return ok({ uid, version: next, status: "success" });
  }

  datasource(uid: string): Reply {
    const datasource = this.datasources.get(uid);
    return datasource ? ok(datasource) : no(404, "Data source not found");
  }

  /** A name belongs to one data source. */
  createDatasource(body: Json): Reply {
    if ([...this.datasources.values()].some(({ name }) => name === body["name"])) {
      return no(409, "data source with the same name already exists");
    }
    return this.saveDatasource(String(body["uid"]), body);
  }

  /** What is secret is kept, and never told. */
  saveDatasource(uid: string, { secureJsonData = {}, ...datasource }: Json): Reply {
    const before = this.datasources.get(uid)?.["secureJsonFields"] as Json | undefined;
    const kept = Object.fromEntries(Object.keys(secureJsonData as Json).map((name) => [name, true]));
    this.datasources.set(uid, { id: 1, readOnly: false, ...datasource, secureJsonFields: { ...before, ...kept } });
    return ok({ message: "Datasource saved" });
  }

  /** A group is told without who may change its rules, as `AlertRuleService.GetRuleGroup` does. */
  group(folder: string, name: string): Reply {
    const group = this.groups.get(`${folder}/${name}`);
    if (!group) return no(404, "");
    const told = group.rules.map((stored) => {
      const { provenance: _, ...rule } = stored;
      return rule;
    });
    return ok({ ...group, rules: told });
  }

  rules(): Reply {
    return ok([...this.groups.values()].flatMap((group) => group.rules));
  }

  saveGroup(folder: string, name: string, body: Json, editable: boolean): Reply {
    const rules = body["rules"] as (Json & { data: Json[] })[];
    const asked = rules.flatMap(({ data }) => data.map(({ datasourceUid }) => String(datasourceUid)));
    const missing = asked.find((uid) => uid !== "__expr__" && !this.datasources.has(uid));
    if (missing !== undefined) return no(400, "failed to build query 'A': data source not found");
    const before = this.groups.get(`${folder}/${name}`)?.rules ?? [];
    if (before.some(({ provenance }) => provenance === "file")) {
      return no(409, "cannot update with provided provenance 'api', needs 'file'");
    }
    const own = (index: number) => ({ id: index + 1, updated: "2026-11-26T08:00:00Z" });
    const stored: Json[] = rules.map((rule, index) =>
      Object.assign(own(index), rule, { orgID: 3 }, editable ? {} : { provenance: "api" }),
    );
    this.groups.set(`${folder}/${name}`, { ...body, rules: stored.toReversed() });
    return ok(body);
  }

  contacts(): Reply {
    // Their URLs are secrets; those of others are not.
    const secret = new Set(["slack", "discord", "teams"]);
    return ok(
      this.contactPoints.map((point) =>
        secret.has(String(point["type"])) ? { ...point, settings: { url: "[REDACTED]" } } : point,
      ),
    );
  }

  saveContact(body: Json): Reply {
    const at = this.contactPoints.findIndex(({ uid }) => uid === body["uid"]);
    this.contactPoints.splice(at < 0 ? this.contactPoints.length : at, at < 0 ? 0 : 1, { ...body, provenance: "api" });
    return ok(body, 202);
  }

  savePolicies(body: Json): Reply {
    const receivers = (body["routes"] as Json[]).map(({ receiver }) => receiver);
    const unknown = receivers.find((receiver) => !this.contactPoints.some(({ name }) => name === receiver));
    if (unknown !== undefined)
      return no(400, `invalid object specification: receiver '${JSON.stringify(unknown)}' does not exist`);
    this.policies = body;
    return ok({ message: "policies updated" }, 202);
  }
}
