import { describe, expect, it } from "vitest";
import { runCommand as run } from "@edgewatt/testing";
import { GrafanaStandIn } from "./grafana-stand-in.ts";
import { DATASOURCE, push, saveByHand } from "./push-here.ts";

describe("what can go wrong", () => {
  const failure = async (grafana: GrafanaStandIn, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const error: unknown = await push(grafana, args, env).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const { name, message } = error as Error;
    expect(message).not.toMatch(/glsa_|hush/);
    return { name, code: (error as { code?: string }).code, message };
  };

  it("a token that is not accepted", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, message } = await failure(grafana, ["--token", "glsa_wrong"]);
    expect(code).toBe("unauthorized");
    expect(message).toMatch(/does not accept the token \(Invalid API key\)/);
    expect(grafana.writes).toEqual([]);
  });

  it("a token without the right, with the one that is needed", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.forbidden = /^POST \/api\/folders/;
    const { code, message } = await failure(grafana);
    expect(code).toBe("forbidden");
    expect(message).toMatch(
      /^cannot create the folder edgewatt: the token may not \(.*folders:create\): .*Editor.*Admin/,
    );
  });

  it("a Grafana that is too old, and one that hides its version", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.version = "9.5.21";
    expect(await failure(grafana)).toMatchObject({ code: "too-old", message: expect.stringContaining("9.5.21") });
    grafana.version = undefined;
    expect(await push(grafana, DATASOURCE)).toMatchObject({ code: 0, document: { version: null } });
  });

  it("something else at the address", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(() => ({ status: 200, text: "<html>hello</html>" }));
    expect(await failure(grafana)).toMatchObject({
      code: "not-grafana",
      message: expect.stringContaining("/api/health"),
    });
  });

  it("a redirect, whose target it names and does not follow", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(({ path }) => ({
      status: 301,
      text: "",
      headers: { location: `https://grafana.example.org${path}` },
    }));
    expect(await failure(grafana)).toMatchObject({
      code: "not-grafana",
      message: expect.stringContaining("sends one on to https://grafana.example.org:"),
    });
  });

  it("a path that it is served under belongs to the address", async () => {
    await using grafana = await GrafanaStandIn.start("/grafana");
    expect(await push(grafana, ["--no-alerts"])).toMatchObject({ code: 0, document: { grafana: grafana.url } });
  });

  it("a proxy that says wait is asked again; an error of Grafana is not", async () => {
    await using grafana = await GrafanaStandIn.start();
    let busy = 2;
    grafana.instead.push(() => (busy-- > 0 ? { status: 503, text: "starting" } : undefined));
    expect((await push(grafana, ["--no-alerts"])).code).toBe(0);
    grafana.instead.push(({ method }) =>
      method === "GET" ? undefined : { status: 500, text: '{"message":"disk full"}' },
    );
    saveByHand(grafana, "edgewatt-study", { description: "mine" });
    const before = grafana.writes.length;
    expect(await failure(grafana, ["--overwrite"])).toMatchObject({
      code: "refused",
      message: expect.stringContaining("disk full"),
    });
    expect(grafana.writes).toHaveLength(before + 1);
  });

  it("an answer of another form", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(({ path }) =>
      path.startsWith("/api/dashboards/uid/") ? { status: 200, text: '{"dashboard":1}' } : undefined,
    );
    expect(await failure(grafana)).toMatchObject({
      code: "refused",
      message: expect.stringContaining("form that is not known"),
    });
  });

  it.each([
    [["--datasource"], "--influx: is required with --datasource"],
    [["--grafana", "http://admin:hush@127.0.0.1"], "--grafana: expected no password in the address"],
    [["--grafana", "127.0.0.1:3000"], "--grafana: expected an address"],
    [["--contact", "email"], "--contact-address: is required"],
    [["--out", "x"], "--out: unknown flag"],
  ])("wrong usage %j, before anything is changed", async (args, problem) => {
    await using grafana = await GrafanaStandIn.start();
    expect(await failure(grafana, args)).toMatchObject({
      name: "ConfigError",
      message: expect.stringContaining(problem),
    });
    expect(grafana.writes).toEqual([]);
  });
});

describe("the command", () => {
  const BIN = new URL("../../bin/edgewatt-dashboards.js", import.meta.url);

  it("prints a line for each thing, and takes --token", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, stdout, stderr } = await run(BIN, [
      "push",
      "--grafana",
      grafana.url,
      `--token=${grafana.token}`,
      ...DATASOURCE,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^created +data source +edgewatt\ncreated +folder +edgewatt\ncreated +dashboard +Live power\n/,
    );
    expect(stderr).toMatch(/^edgewatt dashboards: no contact point: .*\n$/);
  });

  it("ends with 3 when nothing answers, 2 without a token, 1 after a refusal", async () => {
    const grafana = await GrafanaStandIn.start();
    const { url } = grafana;
    const refused = await run(BIN, ["push", "--grafana", url, "--token", "glsa_wrong"]);
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("does not accept the token"),
    });
    await grafana[Symbol.asyncDispose]();
    const silent = await run(BIN, ["push", "--grafana", url, "--token", "glsa_x"]);
    expect(silent).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("(ECONNREFUSED)") });
    const tokenless = await run(BIN, ["push", "--grafana", url], { env: { EDGEWATT_GRAFANA_TOKEN: "" } });
    expect(tokenless).toMatchObject({ code: 2, stderr: expect.stringContaining("EDGEWATT_GRAFANA_TOKEN") });
  });
});
