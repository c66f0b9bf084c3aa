import { describe, expect, it } from "vitest";
import { measurementOf, MEASUREMENTS, type Measurement } from "../src/metrics.ts";

const ALL: readonly Measurement[] = Object.values(MEASUREMENTS);

describe("metrics catalogue", () => {
  it("has the measurements and tags of the contract", () => {
    expect(Object.fromEntries(ALL.map((m) => [m.name, m.tags.map((tag) => tag.name)]))).toEqual({
      power: ["device", "channel", "source"],
      inference: ["device", "model", "precision"],
      system: ["device"],
      run_event: ["device", "kind"],
      gap: ["device", "stream"],
      run_summary: ["device", "model", "precision", "pruning"],
      device: ["device"],
      layer: ["device", "model", "precision", "layer"],
      pipeline: ["service", "id", "device"],
    });
  });

  it.each(ALL)("$name: fields and columns are unique, a run is never a tag", (measurement) => {
    const names = [...measurement.tags, ...measurement.fields].map((part) => part.name);
    expect(new Set(names).size).toBe(names.length);
    const columns = measurement.fields.map((field) => field.column);
    expect(new Set(columns).size).toBe(columns.length);
    expect(measurement.tags.map((tag) => tag.name)).not.toContain("run");
  });

  it("finds the measurement of a channel", () => {
    expect(measurementOf("power", "usb-c")?.name).toBe("power");
    expect(measurementOf("inference", "inference/some/model/int8")?.name).toBe("inference");
    expect(measurementOf("system", "device")?.name).toBe("device");
    expect(measurementOf("system", "inference")).toBeUndefined();
    expect(measurementOf("event", "unheard-of")).toBeUndefined();
  });
});
