import { randomBytes } from "node:crypto";
import {
  createAdmin,
  DEFAULT_RETENTION,
  type DatabaseClient,
  hasAuthentication,
  lacksAdmin,
  requireVersion1,
  type Retention,
  setUpRetention,
  setUpUsers,
  type Step,
  type WantedUser,
} from "@edgewatt/database";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";

export interface SetupOptions extends Partial<Retention> {
  readonly adminUser?: string;
  readonly adminPassword?: string;
  readonly writer: string;
  readonly writerPassword?: string;
  readonly reader: string;
  readonly readerPassword?: string;
  readonly policiesOnly?: boolean;
  readonly dryRun?: boolean;
  readonly allowDelete?: boolean;
}

export interface Setup {
  readonly version: string | undefined;
  readonly authenticated: boolean;
  readonly steps: readonly Step[];
  /** Of users that were created now, where nobody chose their password. */
  readonly passwords: Readonly<Record<string, string>>;
}

const PASSWORD_BYTES = 18;

function wanted(name: string, privilege: WantedUser["privilege"], password: string | undefined): WantedUser {
  const chosen = password !== undefined && password !== "";
  return {
    name,
    privilege,
    password: chosen ? password : randomBytes(PASSWORD_BYTES).toString("base64url"),
    isChosen: chosen,
  };
}

/** Database, policies, means and users, as far as they are not there already. @throws {DatabaseError | UsageError} */
export async function setUpDatabase(
  client: DatabaseClient,
  options: SetupOptions,
  onProgress: (text: string) => void,
): Promise<Setup> {
  const { dryRun = false, allowDelete = false } = options;
  const version = await requireVersion1(client);
  const authenticated = await hasAuthentication(client.address);
  const first = (await lacksAdmin(client)) ? await firstAdmin(client, options, dryRun) : [];
  // Nothing else can be asked before the administrator is there.
  if (first.length > 0 && dryRun) return { version: version.text, authenticated, steps: first, passwords: {} };

  const retention = await setUpRetention(
    client,
    { ...DEFAULT_RETENTION, ...defined(retentionOf(options)) },
    { dryRun, allowDelete, onProgress },
  );
  // The writer may read too: ingest computes the means again that late points belong to.
  const users = [
    wanted(options.writer, "ALL", options.writerPassword),
    wanted(options.reader, "READ", options.readerPassword),
  ];
  const changes = options.policiesOnly === true ? [] : await setUpUsers(client, users, { dryRun, authenticated });
  const created = new Set(changes.filter(({ to }) => to === "created").map(({ what }) => what));
  const generated = users.filter(({ name, isChosen }) => !isChosen && !dryRun && created.has(`user ${name}`));
  return {
    version: version.text,
    authenticated,
    steps: [...first, ...retention, ...changes],
    passwords: Object.fromEntries(generated.map(({ name, password }) => [name, password])),
  };
}

function retentionOf({ raw, seconds, minutes }: SetupOptions): { [K in keyof Retention]: number | undefined } {
  return { raw, seconds, minutes };
}

async function firstAdmin(client: DatabaseClient, options: SetupOptions, dryRun: boolean): Promise<Step[]> {
  const { adminUser, adminPassword } = options;
  if (adminUser === undefined || adminPassword === undefined) {
    throw new UsageError(
      "the database has no administrator yet: name one to create with --admin-user and EDGEWATT_ADMIN_PASSWORD",
    );
  }
  if (!dryRun) await createAdmin(client, adminUser, adminPassword);
  return [
    {
      what: `user ${adminUser}`,
      from: null,
      to: "created as administrator",
      statements: [`CREATE USER "${adminUser}" WITH PASSWORD '…' WITH ALL PRIVILEGES`],
    },
  ];
}
