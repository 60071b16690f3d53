import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../src/errors.ts";
import { untilLine } from "./follow.ts";
import { node, workspace } from "./office.ts";
import type { Server } from "./server.ts";
import { NOTHING, Site } from "./site.ts";

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await Site.create();
  server = await site.boot();
});
afterAll(() => site.clear());

/** A workspace file with one machine, `web`, that would run if it were not for this. JSON is YAML too. */
function file(machine: object, name = "broken"): string {
  return JSON.stringify(workspace(name, { web: "exec sleep 60" }, { web: machine }));
}

/** The same, with wrongs that JSON cannot be made to have. */
const replaced = (found: string, by: string): string => file({ env: { A: "1" } }).replace(found, by);

const installer = (id: string, more: object = {}) => ({ id, version: "1.0.0", script: "true", ...more });
const port = (value: unknown) => file({ servers: { http: { port: value } } });
const portPath = "environment.machines.web.servers.http.port";

/** What is wrong, the file, and the path that is to be named. */
const wrongs: readonly (readonly [string, string, string])[] = [
  ["a list of workspaces", "- name: broken", ""],
  ["a wrong type", file({ env: ["A=1"] }), "environment.machines.web.env"],
  ["an unknown field", file({ volume: {} }), "environment.machines.web.volume"],
  ["an unknown recipe", replaced('"process"', '"vagrant"'), "environment.recipe.type"],
  ["an unknown installer", file({ installers: ["nonesuch"] }), "environment.machines.web.installers.0"],
  [
    "versions of an installer that contradict each other",
    file({ installers: [installer("a"), installer("a", { version: "2.0.0" })] }),
    "environment.machines.web.installers.1",
  ],
  [
    "installers that depend on each other",
    file({ installers: [installer("a", { dependencies: ["b"] }), installer("b", { dependencies: ["a"] })] }),
    "environment.machines.web.installers.0",
  ],
  [
    "machines that depend on each other",
    JSON.stringify(
      workspace(
        "broken",
        { a: "exec sleep 60", b: "exec sleep 60" },
        { a: { dependsOn: ["b"] }, b: { dependsOn: ["a"] } },
      ),
    ),
    "environment.machines.a.dependsOn.b",
  ],
  ["port 0", port(0), portPath],
  ["port 70000", port(70_000), portPath],
  ["a port that is text", port("http"), portPath],
  ["a key that is there twice", replaced('"A":"1"', '"A":"1","A":"2"'), "environment.machines.web.env.A"],
  ["a name that climbs out of its directory", file({}, "../../etc/broken"), "name"],
  ["a name with NUL", file({}, "bro\0ken"), "name"],
  ["a name with a line break", file({}, "bro\nken"), "name"],
  [
    "a machine whose name climbs out of its directory",
    JSON.stringify(workspace("broken", { "../web": "exec sleep 60" })),
    "environment.recipe.content.machines.../web",
  ],
  [
    "a volume whose name climbs out of its directory",
    file({ volumes: { "../data": {} } }),
    "environment.machines.web.volumes.../data",
  ],
  ["a variable with NUL", file({ env: { A: "\0" } }), "environment.machines.web.env.A"],
  ["a __proto__", replaced('"A":"1"', '"__proto__":{"polluted":"1"}'), "environment.machines.web.env.__proto__"],
];

/** What the server answers to a workspace file that it is to create and to start. */
async function post(text: string, contentType: string): Promise<Answer> {
  const { url, token } = server.ready;
  const response = await fetch(`${url}/v1/workspaces?start=true`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": contentType },
    body: text,
  });
  const { code, problems } = (await response.json()) as Pick<Answer, "code" | "problems">;
  return { status: response.status, connection: response.headers.get("connection"), code, problems };
}

interface Answer {
  readonly status: number;
  readonly connection: string | null;
  readonly code: string;
  readonly problems: readonly Problem[];
}

async function expectNothingDone(): Promise<void> {
  expect((await server.client.list()).workspaces).toEqual([]);
  expect(site.left()).toEqual(NOTHING);
}

describe("a workspace file with", () => {
  test.concurrent.for(wrongs)("%s is refused by path, and nothing is stored or started", async ([what, text, path]) => {
    const answer = await post(text, "application/yaml");
    const name = `${what.replaceAll(" ", "-")}.yaml`;
    const { code, stderr } = await site.run(["up", await site.file(name, text)], server.env);

    expect(answer).toMatchObject({ status: 400, code: "CONFIG_INVALID" });
    expect(answer.problems.map((problem) => problem.path)).toContain(path);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: Cannot /);
    expect(stderr).toContain(path);
    await expectNothingDone();
  });

  test("syntax that is wrong is refused by line and column", async () => {
    const text = "name: broken\nenvironment: [";

    const answer = await post(text, "application/yaml");
    const { code, stderr } = await site.run(["up", await site.file("syntax.yaml", text)], server.env);

    expect(answer).toMatchObject({ status: 400, code: "CONFIG_INVALID" });
    expect(answer.problems[0]?.message).toMatch(/^line 2, column 1\d: /);
    expect(code).toBe(4);
    expect(stderr).toMatch(/line 2, column 1\d: /);
    await expectNothingDone();
  });

  test("a __proto__ is refused by path as JSON too", async () => {
    const text = replaced('"A":"1"', '"__proto__":{"polluted":"1"}');

    const answer = await post(text, "application/json");

    expect(answer).toMatchObject({ status: 400, code: "CONFIG_INVALID" });
    expect(answer.problems).toMatchObject([{ path: "environment.machines.web.env.__proto__" }]);
    await expectNothingDone();
  });

  test.for(["application/yaml", "application/json"])("10 MB of %s is refused by its size", async (contentType) => {
    const text = file({ env: { A: "x".repeat(10_000_000) } });

    const answer = await post(text, contentType);
    const { code, stderr } = await site.run(["up", await site.file("huge.yaml", text)], server.env);

    // On a connection that were closed, a client that still sends would not get to read this.
    expect(answer).toMatchObject({ status: 413, code: "PAYLOAD_TOO_LARGE", connection: "keep-alive" });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: Cannot read [^\n]+ more than 1048576 bytes\n$/);
    await expectNothingDone();
  });
});

test("a command that is a list is no shell's to interpret", async () => {
  const words = ["$(exit 1)", "`id`", "a;b", "a && b", "*", ">out", "~", "'\"\\", "two  blanks"];
  const { client } = server;
  await client.create(workspace("literal", { web: node("arguments.mjs", ...words) }), { start: true });

  await untilLine(client, "literal", JSON.stringify(words));

  await client.delete("literal");
});
