import path from "node:path";
import { DatabaseClient } from "@edgewatt/database";
import { UnreachableError } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import type { DatabaseOption } from "../options.ts";
import { readStackFile } from "../stack/stack-file.ts";

/** The address that is named, else that of the stack that runs on the data folder; `undefined` when there is neither. */
export async function findDatabase(
  context: Context,
  options: Pick<DatabaseOption, "data" | "influx">,
): Promise<string | undefined> {
  if (options.influx !== undefined) return options.influx;
  const stack = await readStackFile(path.resolve(context.cwd, options.data));
  return stack?.influx ?? undefined;
}

/** @throws {UnreachableError} when no database is named and no stack with one runs */
export async function openDatabase(
  context: Context,
  options: DatabaseOption & { readonly userAdvice?: string },
): Promise<DatabaseClient> {
  const url = await findDatabase(context, options);
  if (url === undefined) {
    const data = path.resolve(context.cwd, options.data);
    throw new UnreachableError(
      `no stack with a database runs on the data folder ${data}: name one with --influx http://127.0.0.1:8086, or start one with \`edgewatt up\` where influxd is installed`,
      { code: "no-database", context: { data } },
    );
  }
  return new DatabaseClient({
    url,
    user: options.influxUser,
    password: options.influxPassword,
    userAdvice: options.userAdvice,
    signal: context.signal,
  });
}
