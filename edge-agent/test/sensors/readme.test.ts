import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { driverOf, meterSchema, SOURCE_IDS } from "../../src/sensors/index.ts";

const CHIPS = SOURCE_IDS.filter((id) => driverOf(id).recognition !== undefined);

async function readmeOf(id: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../src/sensors/${id}/README.md`, import.meta.url)), "utf8");
}

describe.each(CHIPS)("the page of %s", (id) => {
  it("shows a configuration that is accepted as it is, with every setting there is", async () => {
    const [, example] = /```yaml\n(.*?)```/s.exec(await readmeOf(id)) ?? [];
    const { agent } = parse(example ?? "") as { agent: { meters: Record<string, Record<string, unknown>> } };
    for (const { source, ...settings } of Object.values(agent.meters)) {
      expect(meterSchema.parse({ source, ...settings })).toMatchObject({ source: id, ...settings });
      expect(Object.keys(settings).sort()).toEqual(Object.keys(driverOf(id).config.shape).sort());
    }
  });
});
