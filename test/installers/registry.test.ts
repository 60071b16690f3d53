import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fc, test as property } from "@fast-check/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { installerRegistry, loadInstallers } from "../../src/installers/registry.ts";
import type { InstallerDefinition } from "../../src/model/config.ts";

/** An installer from its key and those of its dependencies. */
function installer(key: string, ...dependencies: string[]): InstallerDefinition {
  const [id = "", version = "1.0.0"] = key.split(":");
  return { id, version, dependencies, script: `install ${key}` };
}

function resolve(requested: (string | InstallerDefinition)[], ...definitions: InstallerDefinition[]) {
  const { installers, problems } = installerRegistry(definitions).resolve(requested, "m.installers");
  return { keys: installers.map(({ id, version }) => `${id}:${version}`), problems };
}

describe("installerRegistry", () => {
  test("puts dependencies first and keeps the given order otherwise", () => {
    const definitions = [installer("a", "c"), installer("b", "d", "c"), installer("c"), installer("d")];

    expect(resolve(["a", "b"], ...definitions).keys).toEqual(["c:1.0.0", "a:1.0.0", "d:1.0.0", "b:1.0.0"]);
    expect(resolve(["b", "a"], ...definitions).keys).toEqual(["d:1.0.0", "c:1.0.0", "b:1.0.0", "a:1.0.0"]);
  });

  test("takes an installer once, however often and however it is asked for", () => {
    expect(resolve(["a", "a:1.0.0", "a:latest"], installer("a"))).toEqual({ keys: ["a:1.0.0"], problems: [] });
  });

  test("takes the highest version where none is named: numbers as numbers, a release before its candidates", () => {
    const versions = ["1.0.9", "1.0.10", "1.1.0-beta", "1.1.0-alpha"].map((version) => installer(`a:${version}`));

    expect(resolve(["a"], ...versions).keys).toEqual(["a:1.1.0-beta"]);
    expect(resolve(["a"], installer("a:1.1.0"), ...versions).keys).toEqual(["a:1.1.0"]);
    expect(resolve(["a"], ...versions.slice(0, 2)).keys).toEqual(["a:1.0.10"]);
    expect(resolve(["a:1.0.9"], ...versions).keys).toEqual(["a:1.0.9"]);
  });

  test.each<[what: string, requested: (string | InstallerDefinition)[], index: number, message: string]>([
    ["an unknown id", ["x", "none"], 1, "No installer 'none' found of the latest version"],
    ["an unknown version", ["x:9.9.9"], 0, "Installer with fqn 'x:9.9.9' doesn't exist"],
    ["an unknown dependency", ["needs-none"], 0, "Installer with fqn 'none:1' doesn't exist"],
    ["a key with too much in it", ["x:1:2"], 0, "Illegal installer key format: x:1:2"],
    ["a key without id", [":1.0.0"], 0, "Illegal installer key format: :1.0.0"],
    ["an empty key", [""], 0, "Illegal installer key format: "],
    ["a cycle", ["x", "ring-a"], 1, "Installers circular dependency found between 'ring-b:1.0.0' and 'ring-a:1.0.0'"],
    [
      "an installer that needs itself",
      ["self"],
      0,
      "Installers circular dependency found between 'self:1.0.0' and 'self:1.0.0'",
    ],
    [
      "two versions of one id",
      ["x:1.0.0", "x:2.0.0"],
      1,
      "Installers dependencies conflict. Several version '1.0.0' and '2.0.0' of the some id 'x'",
    ],
    [
      "another version by a dependency",
      ["x:1.0.0", "needs-x2"],
      1,
      "Installers dependencies conflict. Several version '1.0.0' and '2.0.0' of the some id 'x'",
    ],
    [
      "two of one version that differ",
      [installer("y"), { ...installer("y"), script: "other" }],
      1,
      '"y:1.0.0" is defined twice, differently',
    ],
    ["a name that every object has", ["toString"], 0, "No installer 'toString' found of the latest version"],
  ])("refuses %s, with the place in the list", (_, requested, index, message) => {
    const definitions = [
      installer("x:1.0.0"),
      installer("x:2.0.0"),
      installer("needs-none", "none:1"),
      installer("needs-x2", "x:2.0.0"),
      installer("ring-a", "ring-b"),
      installer("ring-b", "ring-a"),
      installer("self", "self"),
    ];

    expect(resolve(requested, ...definitions).problems).toEqual([{ path: `m.installers.${index}`, message }]);
  });

  test("tells every problem of a list", () => {
    expect(resolve(["none", "a:b:c", "other"]).problems.map(({ path }) => path)).toEqual([
      "m.installers.0",
      "m.installers.1",
      "m.installers.2",
    ]);
  });

  test("takes whole installers before those of the registry, and finds their dependencies in both", () => {
    const inline = installer("tools:1.0.0", "base", "shared");
    const definitions = [installer("tools:2.0.0"), installer("base"), installer("user", "tools")];

    expect(resolve([inline, installer("shared"), "user"], ...definitions)).toEqual({
      keys: ["base:1.0.0", "shared:1.0.0", "tools:1.0.0", "user:1.0.0"],
      problems: [],
    });
  });

  test("refuses definitions that are not valid, and two that differ under one key", () => {
    expect(() => installerRegistry([{ id: "a", version: "one", script: "" }])).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        problems: [
          { path: "0.version", message: "must be a semantic version: 1.0.0" },
          { path: "0.script", message: "must not be empty" },
        ],
      }),
    );
    expect(() => installerRegistry([installer("a"), { ...installer("a"), script: "x" }])).toThrow("defined twice");
  });

  /** Any registry without cycles: an installer depends only on later ones. */
  const acyclic = fc.array(fc.array(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 8 }).map((graph) =>
    graph.map((edges, index) => {
      const later = edges.map((edge) => index + 1 + edge).filter((target) => target < graph.length);
      return installer(`i${index}`, ...later.map((target) => `i${target}`));
    }),
  );

  property.prop([acyclic, fc.array(fc.nat(7), { minLength: 1, maxLength: 5 })])(
    "every installer comes once, and after all that it depends on",
    (definitions, wanted) => {
      const requested = wanted.map((index) => `i${index % definitions.length}`);
      const { keys, problems } = resolve(requested, ...definitions);

      expect(problems).toEqual([]);
      expect(new Set(keys).size).toBe(keys.length);
      for (const key of requested) expect(keys).toContain(`${key}:1.0.0`);
      for (const { id, dependencies = [] } of definitions.filter(({ id }) => keys.includes(`${id}:1.0.0`))) {
        for (const dependency of dependencies) {
          expect(keys.indexOf(`${dependency}:1.0.0`)).toBeLessThan(keys.indexOf(`${id}:1.0.0`));
          expect(keys).toContain(`${dependency}:1.0.0`);
        }
      }
    },
  );
});

describe("loadInstallers", () => {
  let directory = "";
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "troupe-installers-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function write(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
  }

  test("reads files and folders in the order of their names, with scripts beside them", async () => {
    await write({
      "b.yaml": "id: b\nversion: 1.0.0\nscript: |\n  echo b\n",
      "a/installer.yaml": "id: a\nversion: 1.0.0\nscript: ./install.sh\nservers: { http: { port: 80 } }\n",
      "a/install.sh": "echo a\n",
      "a/notes.yaml": "not: read",
      "c.json": '{"id": "c", "version": "1.0.0", "script": "echo c"}',
      "README.md": "not read",
    });

    expect(await loadInstallers(directory)).toEqual([
      { id: "a", version: "1.0.0", script: "echo a\n", servers: { http: { port: 80, attributes: {} } } },
      { id: "b", version: "1.0.0", script: "echo b\n" },
      { id: "c", version: "1.0.0", script: "echo c" },
    ]);
  });

  test("follows links and passes over what is hidden, as in mounted configuration", async () => {
    await write({ "..data/a.yaml": "id: a\nversion: 1.0.0\nscript: echo a\n" });
    await symlink("..data/a.yaml", join(directory, "a.yaml"));

    expect(await loadInstallers(directory)).toEqual([{ id: "a", version: "1.0.0", script: "echo a" }]);
  });

  test("names every problem of every file", async () => {
    await write({
      "a/installer.yaml": "id: a\nversion: 1.0.0\nscript: ./none.sh\n",
      "b.yaml": "id: b\nversion: one\nscript: x\nservers: { http: { port: 0 } }\n",
      "c.yaml": "id: [",
    });

    await expect(loadInstallers(directory)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      problems: [
        { path: "a/installer.yaml", message: expect.stringContaining("none.sh") },
        { path: "b.yaml: version" },
        { path: "b.yaml: servers.http.port" },
        { path: "c.yaml", message: expect.stringContaining("line 1, column ") },
      ],
    });
  });

  test("says which directory cannot be read", async () => {
    await expect(loadInstallers(join(directory, "none"))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`Cannot read installers from "${join(directory, "none")}"`),
    });
  });
});
