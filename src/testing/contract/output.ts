import { describe, expect, test } from "vitest";
import type { OutputRecord } from "../../infrastructure/spi.ts";
import { contentOf, linesOf, numbersTo, type Scene, settled, textOf } from "./stage.ts";

/** The resumable stream of what machines write. */
export function outputContract(scene: Scene): void {
  describe("output", () => {
    test("positions in a stream grow, and every line is told once", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(50, 0) });

      const lines = await stage.linesUntil(instance, "main", "50");

      expect(textOf(lines)).toEqual(numbersTo(50));
      const positions = lines.map((line) => line.position);
      expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
      expect(lines[0]).toMatchObject({ machine: "main", installer: null });
    });

    test("goes on from any cursor without hole or repeat", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(12, 0) });
      const all = await stage.linesUntil(instance, "main", "12");

      for (const [index, { position }] of all.entries()) {
        const rest = await linesOf(stage.output(instance, "main", { "": position }));
        expect(contentOf(rest)).toEqual(contentOf(all.slice(index + 1)));
      }
      expect(contentOf(await linesOf(stage.output(instance, "main", { "": 0 })))).toEqual(contentOf(all));
    });

    test("goes on from a cursor while the machine writes", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(20, 5) });

      const lines = await stage.linesUntil(instance, "main", "4");
      while (lines.at(-1)?.text !== "20") {
        const position = lines.at(-1)?.position ?? 0;
        lines.push(...(await stage.linesUntil(instance, "main", () => true, { "": position })));
      }

      expect(textOf(lines)).toEqual(numbersTo(20));
    });

    test("a cursor of one stream says nothing about the others", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(3, 0) });
      const main = await stage.linesUntil(instance, "main", "3");
      const request = { id: "tool", command: programs.exit(0, 0), env: {} };
      await stage.infrastructure.exec(instance, "main", request, stage.signal);

      const rest = await stage.linesUntil(instance, "main", "begun", { "": main.at(-1)?.position ?? 0 });

      expect(rest).toMatchObject([{ installer: "tool", text: "begun" }]);
      const { position } = rest[0] ?? { position: 0 };
      expect(textOf(await linesOf(stage.output(instance, "main", { tool: position })))).toEqual(numbersTo(3));
    });

    test("tail begins so many lines before the end, unless the cursor says where", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(9, 0) });
      const all = await stage.linesUntil(instance, "main", "9");
      const tail = (count: number, cursor = {}) =>
        linesOf(stage.output(instance, "main", cursor, { follow: false, tail: count }));

      expect(textOf(await tail(2))).toEqual(["8", "9"]);
      expect(await tail(0)).toEqual([]);
      expect(contentOf(await tail(100))).toEqual(contentOf(all));
      expect(contentOf(await tail(2, { "": all[4]?.position }))).toEqual(contentOf(all.slice(5)));
    });

    test("stays readable after removeMachine() until destroy()", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(5, 0) });
      const all = await stage.linesUntil(instance, "main", "5");
      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);

      const followed = stage.output(instance, "main", {}, { follow: true });
      expect(contentOf(await linesOf(stage.output(instance, "main")))).toEqual(contentOf(all));
      expect(contentOf(await linesOf(followed))).toEqual(contentOf(all));

      await stage.infrastructure.destroy(instance, stage.signal);
      expect(await linesOf(stage.output(instance, "main"))).toEqual([]);
    });

    test("goes on in the same stream when the machine is made again", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(3, 0) });
      const first = await stage.linesUntil(instance, "main", "3");
      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);
      await stage.create(instance, "main");
      await stage.start(instance, "main");

      const second = await stage.linesUntil(instance, "main", "3", { "": first.at(-1)?.position ?? 0 });

      expect(textOf(second)).toEqual(numbersTo(3));
      const all = await linesOf(stage.output(instance, "main"));
      expect(contentOf(all)).toEqual(contentOf([...first, ...second]));
    });

    test("who follows is told all, and the end when the machine is removed", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(30, 2) });
      const followed = linesOf(stage.output(instance, "main", {}, { follow: true }));
      await stage.linesUntil(instance, "main", "30");

      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);

      const result = await settled(followed, 5_000);
      expect(result.status === "fulfilled" && textOf(result.value)).toEqual(numbersTo(30));
    });

    test.each(["removed", "destroyed"])(
      "who follows a machine that is %s while it writes is told the end",
      async (how) => {
        const { stage, programs } = scene;
        const { infrastructure, signal } = stage;
        const instance = await stage.running({ command: programs.count(1_000_000, 1) });
        const followed = linesOf(stage.output(instance, "main", {}, { follow: true }));
        await stage.linesUntil(instance, "main", "5");

        if (how === "removed") await infrastructure.removeMachine(instance, "main", signal);
        else await infrastructure.destroy(instance, signal);

        await settled(followed, 5_000);
      },
    );

    test("who follows a machine that is never made is told the end when its instance is destroyed", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });
      await stage.prepare(instance);
      const followed = linesOf(stage.output(instance, "main", {}, { follow: true }));

      await stage.infrastructure.destroy(instance, stage.signal);

      expect(await settled(followed, 5_000)).toEqual({ status: "fulfilled", value: [] });
    });

    test("ends soon after its signal aborts", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(2, 0) });
      await stage.linesUntil(instance, "main", "2");
      const abort = new AbortController();
      const output = stage.infrastructure.output(instance, "main", {}, { follow: true }, abort.signal);
      const iterator = output[Symbol.asyncIterator]();
      const seen: OutputRecord[] = [];
      while (textOf(linesIn(seen)).at(-1) !== "2") {
        const { value } = await iterator.next();
        if (value !== undefined) seen.push(value);
      }

      const next = iterator.next();
      abort.abort(new Error("no longer wanted"));

      const result = await settled(next);
      if (result.status === "rejected") expect(result.reason).toBe(abort.signal.reason);
      else expect(result.value.done).toBe(true);
    });

    test("of a machine that never was is empty", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });

      expect(await linesOf(stage.output(instance, "main"))).toEqual([]);
    });
  });
}

function linesIn(records: readonly OutputRecord[]) {
  return records.flatMap((record) => (record.type === "lines" ? record.lines : []));
}
