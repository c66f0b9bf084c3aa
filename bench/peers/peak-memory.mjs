// Loaded ahead of a measured program: leaves the process's own peak of resident memory (bytes) and its processor time (s) in the file that is named.
// VmHWM belongs to the program alone; ru_maxrss, which Linux keeps across exec, may be what its parent had when it forked.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

process.on("exit", () => {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const { user, system } = process.cpuUsage();
  writeFileSync(process.env["EDGEWATT_BENCH_PEAK"], `${Number(kilobytes) * 1024} ${(user + system) / 1e6}`);
});
