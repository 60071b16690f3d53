import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorCodes } from "../src/errors.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

interface Package {
  readonly exports: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const { exports, scripts } = JSON.parse(read("package.json")) as Package;

describe("the README", () => {
  test("has every error code, and no other", () => {
    const documented = [...read("README.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);

    expect(documented.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
  });

  test("names every import that the package has", () => {
    for (const subpath of Object.keys(exports)) {
      if (subpath.endsWith(".json")) continue;
      expect(read("README.md")).toContain(`\`troupe${subpath.slice(1)}\``);
    }
  });

  test.each(["README.md", "ARCHITECTURE.md", "bench/README.md"])("%s names only scripts that there are", (document) => {
    const named = [...read(document).matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script ?? "");

    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
  });

  test.each(["README.md", "ARCHITECTURE.md"])("%s links only to files that there are", (document) => {
    const links = [...read(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path ?? "");

    expect(links.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
  });
});
