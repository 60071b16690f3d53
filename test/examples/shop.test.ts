import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type TroupeClient } from "troupe/client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { begin, outcomeOf, run, troupe } from "./program.ts";

const file = "examples/shop/workspace.yaml";

let tmpDir: string;
beforeAll(async () => {
  tmpDir = await mkdtemp(join(tmpdir(), "troupe-shop-"));
});
afterAll(() => rm(tmpDir, { recursive: true, force: true }));

/** A server on free ports that keeps everything in a folder of its own. */
const serveFlags = (folder: string) => ["--port", "0", "--output-port", "0", "--data-dir", join(tmpDir, folder)];

test("examples/shop runs with one command, and ends with it", async () => {
  const { code, stdout, stderr } = await run([troupe, "up", file, "--serve", "--once", ...serveFlags("once")], tmpDir);

  expect(stderr).toBe("");
  expect(stdout).toMatch(/ workspace .* running\.steady /);
  expect(code).toBe(0);
});

describe("examples/shop on a server", () => {
  let server: ChildProcess;
  let url: string;
  let client: TroupeClient;
  beforeAll(async () => {
    const readyFile = join(tmpDir, "ready.json");
    const flags = ["--ready-file", readyFile, "--no-token", "--on-exit", "terminate", "--log-level", "warn"];
    server = begin([troupe, "serve", ...serveFlags("server"), ...flags], tmpDir);
    ({ url } = await vi.waitFor(async () => JSON.parse(await readFile(readyFile, "utf8")), { timeout: 15_000 }));
    client = createClient({ url });
  });
  afterAll(async () => {
    const ended = outcomeOf(server);
    server.kill();
    await ended;
  });

  async function up(): Promise<string> {
    const { code, stderr } = await run([troupe, "up", file, "--detach", "--url", url], tmpDir);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { machines } = await client.get("shop");
    return machines["web"]?.servers["http"]?.url ?? "";
  }

  /** Resolves when the shop's page says so. */
  const shows = (shop: string, expected: RegExp) =>
    vi.waitFor(async () => expect(await (await fetch(shop)).text()).toMatch(expected), { timeout: 10_000 });

  test("shows its products with the pictures that an installer drew", async () => {
    const shop = await up();

    await shows(shop, /<h2>matcha<\/h2>/);
    const picture = await fetch(new URL("/assets/matcha.svg", shop));
    expect(picture.headers.get("content-type")).toBe("image/svg+xml");
    expect(await picture.text()).toContain("#88a550");
  });

  test("runs its installers in the order of their dependencies", async () => {
    await up();

    const { machines } = await client.get("shop");
    const installers = Object.entries(machines["store"]?.installers ?? {});
    expect(installers.map(([name, { status }]) => [name, status])).toEqual([
      ["shop-data", "DONE"],
      ["shop-assets", "DONE"],
    ]);
  });

  test("has its worker bill what is ordered, and keeps it over a restart", async () => {
    const shop = await up();
    await fetch(new URL("/orders", shop), { method: "POST", body: new URLSearchParams({ product: "chai" }) });
    await shows(shop, /€ 4\.17/);

    await client.stop("shop");
    await client.wait("shop", { for: "stopped" });

    await shows(await up(), /€ 4\.17/);
  });

  test("gives its store to the other machines alone", async () => {
    await up();

    const { machines } = await client.get("shop");
    expect(machines["store"]?.servers["api"]).toMatchObject({ internal: true, status: "RUNNING" });
    expect(machines["web"]?.servers["http"]).toMatchObject({ internal: false, status: "RUNNING" });
  });
});
