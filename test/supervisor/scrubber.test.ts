import { describe, expect, test } from "vitest";
import { scrubber } from "../../src/supervisor/scrubber.ts";

/** An environment as far as secrets can be in it. */
const environment = {
  machines: {
    web: {
      name: "web",
      env: { DATABASE: "postgres-hunter2", MODE: "dev" },
      command: ["node", "server.js", "--key", "k3y-of-mine"],
      attributes: { memoryLimit: "512m", apiKey: "attribute-5ecret", region: "north" },
      installers: [{ id: "agent", version: "1.0.0", script: "curl -u me:pass", servers: ["http"] }],
      servers: { http: { name: "http", path: "/?tkn=abcdef", port: 8080 } },
      dependsOn: { db: "healthy" },
    },
    // A machine may be called as a field of ours is.
    env: { name: "env", env: { A: "another-5ecret" }, command: null },
  },
};

const scrub = scrubber([{ environment }]);
const clean = (text: string): string => scrub({ message: text }).message;

describe("what is taken out of an environment", () => {
  const { web, env } = scrub({ environment }).environment.machines;

  test("values of variables, and not their names", () => {
    expect(web.env).toEqual({ DATABASE: "[removed]", MODE: "[removed]" });
    expect(env).toEqual({ name: "env", env: { A: "[removed]" }, command: null });
  });

  test("what programs are told, and not which they are", () => {
    expect(web.command).toEqual(["node", "[removed]"]);
    expect(web.installers[0]).toMatchObject({ id: "agent", version: "1.0.0", script: "[removed]", servers: ["http"] });
  });

  test("attributes whose name says so, and no others", () => {
    expect(web.attributes).toEqual({ memoryLimit: "512m", apiKey: "[removed]", region: "north" });
  });

  test("values in paths, and nothing that the charts go by", () => {
    expect(web.servers.http).toEqual({ name: "http", path: "/?tkn=[removed]", port: 8080 });
    expect(web.dependsOn).toEqual({ db: "healthy" });
  });
});

describe("what is taken out of text", () => {
  test.each([
    [
      "the value of a variable, wherever it turns up",
      "cannot log in as postgres-hunter2!",
      "cannot log in as [removed]!",
    ],
    ["the value of a secret attribute", "sent attribute-5ecret", "sent [removed]"],
    ["user and password of a URL", "clone https://ann:pw@host/x.git", "clone https://[removed]@host/x.git"],
    ["values of a URL", "GET http://host/a?k=abc&b=c#d=e", "GET http://host/a?k=[removed]&b=[removed]#d=[removed]"],
    ["what a bearer bears", "Authorization: Bearer abc.def-ghi", "Authorization: Bearer [removed]"],
    ["what is assigned to such a name", "DB_PASSWORD=xyz, port=80", "DB_PASSWORD=[removed], port=80"],
    ["quoted, too", '{"client_secret": "a b c"}', '{"client_secret": [removed]}'],
  ])("%s", (_, text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  test("short values, which stand everywhere, are left in text", () => {
    expect(clean("the dev server is up")).toBe("the dev server is up");
  });

  test("ids, names and states are left as they are, even where a value is the same", () => {
    const event = {
      instanceId: "postgres-hunter2",
      source: { kind: "machine", machine: "web" },
      to: "running",
      data: { nextInstanceId: "postgres-hunter2", lastProbe: "postgres-hunter2" },
    };

    expect(scrub(event)).toEqual({ ...event, data: { ...event.data, lastProbe: "[removed]" } });
  });
});

test("a recipe's content, projects and commands go as a whole", () => {
  const config = {
    environments: { default: { recipe: { type: "process", content: "web: TOKEN=1 node x" } } },
    projects: [{ source: { location: "https://a:b@c" } }],
    commands: ["x"],
  };

  expect(scrub(config)).toEqual({
    environments: { default: { recipe: { type: "process", content: "[removed]" } } },
    projects: [],
    commands: [],
  });
});

test.each([
  ["letters", "a".repeat(200_000)],
  ["dashes", "-".repeat(200_000)],
  ["names without values", "token ".repeat(30_000)],
  ["the beginnings of URLs", "a-".repeat(100_000)],
  ["question marks", "?".repeat(200_000)],
])("a very long line of %s takes no time", (_, text) => {
  const begin = performance.now();
  clean(text);

  expect(performance.now() - begin).toBeLessThan(1_000);
});
