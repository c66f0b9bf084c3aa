import type { PowerSource } from "@edgewatt/protocol";
import type { Plan } from "../plan.ts";
import type { MeasuredWindow } from "../window-figures.ts";
import { firmwareFlags } from "./firmware.ts";
import { machineFlags } from "./machine.ts";
import { powerFlags } from "./power.ts";
import { runFlags } from "./run.ts";

/** What a reader must know about how the windows of a row went; docs/measuring.md explains each code. */
export function windowFlags(windows: readonly MeasuredWindow[], source: PowerSource | undefined, plan: Plan): string[] {
  return [
    ...powerFlags(windows, source),
    ...firmwareFlags(windows),
    ...machineFlags(windows),
    ...runFlags(windows, plan),
  ];
}
