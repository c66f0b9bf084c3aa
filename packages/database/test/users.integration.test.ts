import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import { DatabaseClient } from "../src/client.ts";
import { setUpRetention } from "../src/retention.ts";
import { createAdmin, hasAuthentication, lacksAdmin, setUpUsers, type WantedUser } from "../src/users.ts";

const influxd = requireSystem("influxd");

const writer: WantedUser = { name: "ingest", privilege: "ALL", password: "w'1\\", isChosen: false };
const reader: WantedUser = { name: "grafana", privilege: "READ", password: "r", isChosen: false };
const FOREVER = { raw: 0, seconds: 0, minutes: 0 };

describe.skipIf(influxd.skip)("users on an influxd that asks who one is", () => {
  let influx: TestInfluxd;
  let admin: DatabaseClient;
  const as = ({ name, password }: WantedUser) => new DatabaseClient({ url: influx.url, user: name, password });

  beforeAll(async () => {
    vi.stubEnv("INFLUXDB_HTTP_AUTH_ENABLED", "true");
    influx = await startInfluxd();
    vi.unstubAllEnvs();
    admin = new DatabaseClient({ url: influx.url, user: "admin", password: "a" });
  });
  afterAll(() => influx.stop());

  it("begins with an administrator, who is created when there is none", async () => {
    expect(await hasAuthentication(influx.url)).toBe(true);
    expect(await lacksAdmin(admin)).toBe(true);
    await createAdmin(admin, "admin", "a");
    expect(await lacksAdmin(admin)).toBe(false);
    await expect(
      new DatabaseClient({ url: influx.url, user: "x", password: "y" }).query("SHOW USERS"),
    ).rejects.toMatchObject({
      code: "unauthorized",
      message: expect.not.stringContaining("y'"),
    });
  });

  it("gives them their rights, and changes nothing the second time", async () => {
    await setUpRetention(admin, FOREVER);
    expect((await setUpUsers(admin, [writer, reader])).map(({ what }) => what)).toEqual([
      "user ingest",
      "rights of ingest",
      "user grafana",
      "rights of grafana",
    ]);
    expect(await setUpUsers(admin, [writer, reader])).toEqual([]);
    expect(await as(writer).write("a x=1 1", { precision: "s" })).toBeUndefined();
    await expect(as(reader).write("a x=1 1", { precision: "s" })).rejects.toMatchObject({ code: "unauthorized" });
    for (const q of ["DROP DATABASE edgewatt", 'SELECT mean(x) INTO "b" FROM "a"', "SHOW USERS"]) {
      await expect(as(reader).query(q)).rejects.toMatchObject({ code: "unauthorized" });
    }
    expect(await as(reader).query("SELECT x FROM a")).toMatchObject([[{ values: [["1970-01-01T00:00:01Z", 1]] }]]);
  });

  it("takes away what is too much", async () => {
    await admin.query('GRANT ALL ON "edgewatt" TO "grafana"');
    await admin.query('GRANT ALL PRIVILEGES TO "ingest"');
    expect((await setUpUsers(admin, [writer, reader])).map(({ what, from }) => [what, from])).toEqual([
      ["rights of ingest", "administrator"],
      ["rights of grafana", "ALL PRIVILEGES"],
    ]);
    expect(await setUpUsers(admin, [writer, reader])).toEqual([]);
    await expect(as(reader).write("a x=1 1", { precision: "s" })).rejects.toMatchObject({ code: "unauthorized" });
    await expect(as(writer).query("SHOW USERS")).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("changes a password only to one that somebody chose and that differs", async () => {
    const chosen = { ...writer, isChosen: true };
    expect(await setUpUsers(admin, [chosen])).toEqual([]);
    const other = { ...chosen, password: "other" };
    expect(await setUpUsers(admin, [{ ...other, isChosen: false }])).toEqual([]);
    expect(await setUpUsers(admin, [other])).toMatchObject([{ what: "password of ingest" }]);
    expect(await as(other).write("a x=2 2", { precision: "s" })).toBeUndefined();
  });
});
