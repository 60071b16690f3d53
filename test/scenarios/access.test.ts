import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { describe, expect } from "vitest";
import { WebSocket } from "ws";
import { scenario } from "./scenario.ts";

/** The status of an answer; `fetch` would not send a `Host` of ours. */
async function statusOf(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const [response] = (await once(get(url, { headers }), "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

/** The status with which a WebSocket is refused. */
async function refusalOf(url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/channels`, { headers });
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  response.destroy();
  return response.statusCode;
}

describe.concurrent("a server", () => {
  scenario("with a token answers nobody without it", async ({ site }) => {
    const { ready } = await site.boot();
    const stranger = { authorization: "Bearer wrong" };

    for (const path of ["/v1/workspaces", "/v1/leaks", "/metrics", "/v1/openapi.json"]) {
      expect(await statusOf(`${ready.url}${path}`, {})).toBe(401);
      expect(await statusOf(`${ready.url}${path}`, stranger)).toBe(401);
      expect(await statusOf(`${ready.url}${path}`, { authorization: `Bearer ${ready.token}` })).toBe(200);
    }
    for (const url of [ready.url, ready.outputUrl]) {
      expect(await refusalOf(url, {})).toBe(401);
      expect(await refusalOf(url, stranger)).toBe(401);
    }
  });

  scenario("without a token answers this computer, and no page from elsewhere", async ({ site }) => {
    const { ready, client } = await site.boot(["--no-token"]);
    const rebound = { host: `shop.example:${new URL(ready.url).port}` };
    const elsewhere = { origin: "https://shop.example" };

    expect(ready.token).toBeUndefined();
    expect((await client.list()).workspaces).toEqual([]);
    for (const headers of [rebound, elsewhere]) {
      expect(await statusOf(`${ready.url}/v1/workspaces`, headers)).toBe(403);
      expect(await refusalOf(ready.url, headers)).toBe(403);
      expect(await refusalOf(ready.outputUrl, headers)).toBe(403);
    }
  });

  scenario("without a token listens on loopback addresses only", async ({ site }) => {
    const { code, stderr } = await site.run(["serve", ...site.place(), "--host", "0.0.0.0", "--no-token"]);

    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: Cannot [^\n]+without a token: others can reach it\n$/);
  });
});
