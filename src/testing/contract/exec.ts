import { describe, expect, test } from "vitest";
import type { Exit } from "../../../machines/failure.ts";
import type { Instance } from "../../infrastructure/spi.ts";
import { linesOf, type Scene, settled, textOf } from "./stage.ts";

/** Processes and files in a machine. */
export function execContract(scene: Scene): void {
  function exec(
    instance: Instance,
    id: string,
    command: readonly string[],
    { env = {}, signal = scene.stage.signal }: { env?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Exit> {
    return scene.stage.infrastructure.exec(instance, "main", { id, command, env }, signal);
  }

  describe("exec and put", () => {
    test("exec() resolves to how the process ended", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });

      const exits = await Promise.all([
        exec(instance, "good", programs.exit(0, 0)),
        exec(instance, "bad", programs.exit(7, 0)),
      ]);

      expect(exits).toMatchObject([
        { code: 0, signal: null, oomKilled: false },
        { code: 7, signal: null, oomKilled: false },
      ]);
    });

    test("a process has the machine's environment and that of the request", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle, env: { FROM_MACHINE: "machine's" } });

      await exec(instance, "theirs", programs.env("FROM_MACHINE"));
      await exec(instance, "ours", programs.env("FROM_REQUEST"), { env: { FROM_REQUEST: "request's" } });

      expect(textOf(await stage.linesUntil(instance, "main", "machine's"))).toContain("machine's");
      expect(textOf(await stage.linesUntil(instance, "main", "request's"))).toContain("request's");
    });

    test("its output goes to the machine's, marked with its id", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(3, 0) });
      await stage.linesUntil(instance, "main", "3");

      await exec(instance, "org.example.tool", programs.exit(0, 0));

      const lines = await stage.linesUntil(instance, "main", "begun");
      const marks = lines.map(({ machine, installer, text }) => ({ machine, installer, text }));
      expect(marks).toContainEqual({ machine: "main", installer: "org.example.tool", text: "begun" });
      expect(marks).toContainEqual({ machine: "main", installer: null, text: "1" });
    });

    test("exec() by the same id, at once or later, runs one process", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const run = () => exec(instance, "once", programs.exit(4, 50));

      const exits = await Promise.all([run(), run()]);
      exits.push(await run());

      expect(exits.map((exit) => exit.code)).toEqual([4, 4, 4]);
      await exec(instance, "after", programs.exit(0, 0));
      await stage.linesUntil(instance, "main", (line) => line.installer === "after");
      const lines = await linesOf(stage.output(instance, "main"));
      expect(lines.filter((line) => line.installer === "once").map((line) => line.text)).toEqual(["begun"]);
    });

    test("aborting exec() lets go of the process, which is found again", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const abort = new AbortController();
      const first = exec(instance, "long", programs.exit(5, 300), { signal: abort.signal });
      await stage.linesUntil(instance, "main", "begun");

      abort.abort(new Error("no longer wanted"));
      await expect(first).rejects.toBe(abort.signal.reason);

      expect(await exec(instance, "long", programs.exit(5, 300))).toMatchObject({ code: 5 });
    });

    test("a process ends with its machine", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const running = exec(instance, "forever", programs.stubborn);
      const end = settled(running, 10_000);
      await stage.linesUntil(instance, "main", "ready");

      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);

      const result = await end;
      if (result.status === "fulfilled") expect(result.value.code).not.toBe(0);
    });

    test("a machine that is made again runs the process again", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const first = await exec(instance, "setup", programs.exit(0, 0));
      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);
      await stage.create(instance, "main");
      await stage.start(instance, "main");

      const second = await exec(instance, "setup", programs.exit(0, 20));

      expect(second.at).toBeGreaterThan(first.at);
    });

    test("exec() in a machine that does not run is refused", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });
      await stage.prepare(instance);
      await stage.create(instance, "main");

      await expect(exec(instance, "early", programs.exit(0, 0))).rejects.toMatchObject({ name: "TroupeError" });
    });

    test("put() brings files into a created and into a running machine, and replaces them", async () => {
      const { stage, programs } = scene;
      const { infrastructure, signal } = stage;
      const instance = stage.instance({ main: { command: programs.idle } });
      await stage.prepare(instance);
      await stage.create(instance, "main");
      await infrastructure.put(instance, "main", [{ path: "early.txt", content: "put when created\n" }], signal);
      await stage.start(instance, "main");
      await infrastructure.put(instance, "main", [{ path: "late/file.txt", content: "replaced\n" }], signal);
      const bytes = new TextEncoder().encode("put when running\n");
      await infrastructure.put(instance, "main", [{ path: "late/file.txt", content: bytes, mode: 0o600 }], signal);

      await exec(instance, "early", programs.show("early.txt"));
      await exec(instance, "late", programs.show("late/file.txt"));

      await stage.linesUntil(instance, "main", "put when created");
      await stage.linesUntil(instance, "main", "put when running");
    });
  });
}
