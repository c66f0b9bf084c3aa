import { columns } from "../columns.ts";
import { type Context, print, printJson } from "../context.ts";
import { checkMachine, type DoctorOptions } from "../doctor/checks.ts";

/** Prints what is right and wrong with this machine; resolves with 1 when a check failed. */
export async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const checks = await checkMachine(context, options);
  const failed = checks.some(({ status }) => status === "fail");
  if (options.json === true) {
    printJson(context, { ok: !failed, checks });
  } else {
    const rows = checks.map(({ name, status, message, advice }) => [
      status,
      name,
      advice === undefined ? message : `${message}: ${advice}`,
    ]);
    print(context, columns(["", "CHECK", ""], rows));
  }
  return failed ? 1 : 0;
}
