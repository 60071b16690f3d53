import { describe, expect, test } from "vitest";
import { anchorWorkingDirs } from "../../src/environment/anchor.ts";

/** A workspace file whose one machine works in `workingDir`. */
const native = (workingDir: unknown, type = "process") => ({
  name: "shop",
  environment: { recipe: { type, content: { machines: { web: { command: ["node"], workingDir } } } } },
});
const anchored = (workingDir: unknown) => anchorWorkingDirs(native(workingDir), "/home/ann/shop");

describe("anchorWorkingDirs()", () => {
  test.each([
    ["./programs", "/home/ann/shop/programs"],
    [".", "/home/ann/shop"],
    ["../lib/", "/home/ann/lib"],
  ])("makes %j start at the workspace file's folder", (written, path) => {
    expect(anchored(written)).toEqual(native(path));
  });

  test.each(["/srv/shop", "programs", ".hidden", "..data", "", null, 7, ["./a"]])("leaves %j as it is", (written) => {
    expect(anchored(written)).toEqual(native(written));
  });

  test("looks into every environment of a config in Che's shape", () => {
    const { environment } = native("./programs");

    expect(anchorWorkingDirs({ environments: { default: environment } }, "/f")).toEqual({
      environments: { default: native("/f/programs").environment },
    });
  });

  test("leaves other recipes alone", () => {
    expect(anchorWorkingDirs(native("./programs", "compose"), "/f")).toEqual(native("./programs", "compose"));
  });

  test.each([
    undefined,
    null,
    "text",
    3,
    [],
    {},
    { environment: null },
    { environment: { recipe: { type: "process", content: "web: node" } } },
  ])("returns what is no workspace file as it came: %j", (config) => {
    expect(anchorWorkingDirs(config, "/f")).toEqual(config);
  });

  test("changes nothing in what it was given", () => {
    const config = native("./programs");
    anchorWorkingDirs(config, "/f");

    expect(config).toEqual(native("./programs"));
  });
});
