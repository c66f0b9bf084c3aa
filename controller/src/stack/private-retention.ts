import { DatabaseClient, DatabaseError, DEFAULT_RETENTION, type Retention, setUpRetention } from "@edgewatt/database";
import { defined } from "../defined.ts";

/** Nothing is deleted, means are kept all the same. */
const FOREVER: Retention = { raw: 0, seconds: 0, minutes: 0 };

/**
 * Has a private influxd keep points and means as long as asked. What an earlier stack stored under longer policies is not
 * deleted for it: then nothing is, and `say` hears why.
 * @throws {DatabaseError | UnreachableError}
 */
export async function setUpPrivateRetention(
  url: string,
  asked: { [K in keyof Retention]?: number | undefined },
  say: (message: string) => void,
): Promise<void> {
  const client = new DatabaseClient({ url });
  // Only where an earlier version stored without means: a minute for some days of a device.
  const onProgress = (what: string): void => say(`computing the ${what} of what is stored`);
  try {
    await setUpRetention(client, { ...DEFAULT_RETENTION, ...defined(asked) }, { onProgress });
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== "would-delete") throw error;
    say(`telemetry is kept without end: ${error.message}, both with --influx ${url}`);
    await setUpRetention(client, FOREVER, { onProgress });
  }
}
