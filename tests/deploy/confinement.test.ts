import { describe, expect, it } from "vitest";
import { COMPOSE_FILES, loadCompose } from "./compose-files.ts";

const everyService = (await Promise.all(COMPOSE_FILES.map(loadCompose))).flatMap((file, index) =>
  Object.entries(file.services).map(([name, service]) => ({ name: `${COMPOSE_FILES[index]} ${name}`, service })),
);

describe.each(everyService)("$name", ({ service }) => {
  it("cannot write outside of its volumes, gain rights, fill the disk with logs or start processes without end", () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      tmpfs: expect.arrayContaining(["/tmp"]),
      pids_limit: expect.any(Number),
      logging: { driver: "json-file", options: { "max-size": expect.any(String), "max-file": expect.any(String) } },
    });
  });

  it("has an image of a fixed version, or one that is built here", () => {
    expect(service.image).toMatch(/^edgewatt:local$|:(\$\{\w+:-)?\d+\.\d+\.\d+\}?$/);
    expect(service.build === undefined).toBe(service.image !== "edgewatt:local");
  });

  it("has the folder /data of its own, where it is a part of edgewatt", () => {
    if (service.image !== "edgewatt:local") return;
    const mounted = (service.volumes ?? []).some((volume) => volume.endsWith(":/data"));
    expect(mounted || service.tmpfs?.includes("/data")).toBe(true);
    if (mounted) expect(service.command).toContain("--data=/data");
  });

  it("is asked for its health where it listens", () => {
    const [, port] = /127\.0\.0\.1:(\d+)\//.exec((service.healthcheck?.test ?? []).join(" ")) ?? [];
    if (service.healthcheck?.disable === true) return;
    const flags = (service.command ?? []).join(" ");
    const open = [...flags.matchAll(/--(?:metrics|http)-port[ =](\d+)/g)].map(([, number]) => number);
    // Those of the other images are published.
    const published = (service.ports ?? []).map((one) => one.split(":")[2]);
    expect([...open, ...published]).toContain(port);
  });
});

describe("memory", () => {
  it("limits the memory of every container, and of none that measures power", async () => {
    for (const service of Object.values((await loadCompose("docker-compose.yml")).services))
      expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    for (const service of Object.values((await loadCompose("deploy/compose.agent.yml")).services)) {
      expect(service).not.toHaveProperty("mem_limit");
      expect(service).not.toHaveProperty("cpus");
    }
  });
});
