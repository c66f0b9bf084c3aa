import { rowsOf } from "./answer.ts";
import { DATABASE, DatabaseClient } from "./client.ts";
import { DatabaseError } from "./errors.ts";
import { identifier, text } from "./influxql.ts";
import type { Step } from "./step.ts";

/** `ALL` on one database is to read and write there; it is no admin. */
type Privilege = "READ" | "WRITE" | "ALL";

export interface WantedUser {
  readonly name: string;
  readonly privilege: Privilege;
  /** For a user that is not there yet; also what its password is changed to where the server can tell that it differs. */
  readonly password: string;
  /** Whether somebody chose it: a generated one is for new users only. */
  readonly isChosen: boolean;
}

/** Whether the server asks who one is. */
export async function hasAuthentication(url: string): Promise<boolean> {
  try {
    await new DatabaseClient({ url: withoutCredentials(url), user: "", password: "" }).query("SHOW DATABASES");
    return false;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === "unauthorized") return true;
    throw error;
  }
}

/** Whether the server has authentication and no administrator yet: then it takes one statement only, that creates one. */
export async function lacksAdmin(client: DatabaseClient): Promise<boolean> {
  try {
    await client.query("SHOW DATABASES");
    return false;
  } catch (error) {
    if (error instanceof DatabaseError) return error.message.includes("create admin user first");
    throw error;
  }
}

export async function createAdmin(client: DatabaseClient, name: string, password: string): Promise<void> {
  await client.query(`CREATE USER ${identifier(name)} WITH PASSWORD ${text(password)} WITH ALL PRIVILEGES`);
}

/**
 * Brings users to these rights on the database `edgewatt` and to no others there; resolves with what was, or with `dryRun`
 * would be, changed.
 */
export async function setUpUsers(
  client: DatabaseClient,
  wanted: readonly WantedUser[],
  { dryRun = false, authenticated = true }: { dryRun?: boolean; authenticated?: boolean } = {},
): Promise<Step[]> {
  const [users = []] = await client.query("SHOW USERS");
  const known = new Map(rowsOf(users).map(({ user, admin }) => [String(user), admin === true]));
  const done: Step[] = [];
  for (const user of wanted) {
    const isAdmin = known.get(user.name);
    const steps =
      isAdmin === undefined
        ? [creation(user), grant(user, null)]
        : [
            ...(isAdmin ? [revocation(user)] : []),
            ...(await privilegeStep(client, user)),
            ...(authenticated ? await passwordStep(client, user) : []),
          ];
    for (const step of steps) {
      done.push(step);
      if (!dryRun) for (const statement of step.statements) await client.query(statement);
    }
  }
  return done;
}

function creation({ name, password }: WantedUser): Step {
  const statements = [`CREATE USER ${identifier(name)} WITH PASSWORD ${text(password)}`];
  return { what: `user ${name}`, from: null, to: "created", statements };
}

function grant({ name, privilege }: WantedUser, from: string | null): Step {
  const statements = [`GRANT ${privilege} ON ${identifier(DATABASE)} TO ${identifier(name)}`];
  return { what: `rights of ${name}`, from, to: `${privilege} on ${DATABASE}`, statements };
}

function revocation({ name }: WantedUser): Step {
  const statements = [`REVOKE ALL PRIVILEGES FROM ${identifier(name)}`];
  return { what: `rights of ${name}`, from: "administrator", to: "no administrator", statements };
}

async function privilegeStep(client: DatabaseClient, user: WantedUser): Promise<Step[]> {
  const [grants = []] = await client.query(`SHOW GRANTS FOR ${identifier(user.name)}`);
  const granted = rowsOf(grants).find(({ database }) => database === DATABASE)?.["privilege"];
  const has = granted === undefined || granted === "NO PRIVILEGES" ? null : String(granted);
  const is = has?.replace("ALL PRIVILEGES", "ALL");
  return is === user.privilege ? [] : [grant(user, has)];
}

async function passwordStep(client: DatabaseClient, { name, password, isChosen }: WantedUser): Promise<Step[]> {
  if (!isChosen) return [];
  try {
    await new DatabaseClient({ url: client.address, user: name, password }).query("SHOW DATABASES");
    return [];
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== "unauthorized") throw error;
    const statements = [`SET PASSWORD FOR ${identifier(name)} = ${text(password)}`];
    return [{ what: `password of ${name}`, from: "another", to: "the one that was given", statements }];
  }
}

function withoutCredentials(url: string): string {
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return bare.href;
}
