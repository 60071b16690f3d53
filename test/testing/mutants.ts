/** Infrastructures that keep the whole contract but for one promise: each shows that the explorer notices when it is broken. */
import type { SimulatedInfrastructure } from "../../src/infrastructure/simulated/index.ts";
import type { Infrastructure, OutputRecord } from "../../src/infrastructure/spi.ts";
import type { Clause } from "../../src/testing/index.ts";

export interface Mutant {
  readonly breaks: Clause;
  /** How, as the end of a sentence that begins with "it". */
  readonly how: string;
  /** Called once for a place; what it returns alters each infrastructure that is opened there. */
  readonly alter: () => (sound: SimulatedInfrastructure) => Partial<Infrastructure>;
}

const never = new AbortController().signal;

export const mutants: readonly Mutant[] = [
  {
    breaks: "works",
    how: "puts no files",
    alter: () => () => ({ put: async () => {} }),
  },
  {
    breaks: "works",
    how: "takes every process to have ended well",
    alter: () => (sound) => ({ exec: async (...args) => ({ ...(await sound.exec(...args)), code: 0 }) }),
  },
  {
    breaks: "settles",
    how: "hangs when an image is fetched that is there",
    alter: () => {
      const fetched = new Set<string>();
      return (sound) => ({
        fetchImage: async (instance, ...args) => {
          if (fetched.has(instance.instanceId)) await new Promise(() => {});
          fetched.add(instance.instanceId);
          await sound.fetchImage(instance, ...args);
        },
      });
    },
  },
  {
    breaks: "explains",
    how: "refuses with an error of its own kind",
    alter: () => (sound) => ({
      exec: async (...args) => {
        args[3].throwIfAborted();
        return sound.exec(...args).catch((error) => {
          args[3].throwIfAborted();
          throw new Error(String(error));
        });
      },
    }),
  },
  {
    breaks: "idempotent",
    how: "makes a machine anew that is there",
    alter: () => (sound) => ({
      createMachine: async (instance, machine, signal) => {
        signal.throwIfAborted();
        const { exists } = await sound.observe(instance, signal);
        if (exists) await sound.removeMachine(instance, machine, signal);
        await sound.createMachine(instance, machine, signal);
      },
    }),
  },
  {
    breaks: "idempotent",
    how: "refuses to prepare what is prepared",
    alter: () => (sound) => ({
      prepare: async (instance, signal, progress) => {
        const { exists } = await sound.observe(instance, signal);
        if (exists) throw new Error("It exists already");
        return sound.prepare(instance, signal, progress);
      },
    }),
  },
  {
    breaks: "abortable",
    how: "cannot let go of a process",
    alter: () => (sound) => ({
      exec: async (instance, machine, request, signal) => {
        signal.throwIfAborted();
        return sound.exec(instance, machine, request, never);
      },
    }),
  },
  {
    breaks: "abortable",
    how: "rejects with a reason of its own",
    alter: () => (sound) => ({
      startMachine: async (instance, machine, signal) =>
        sound.startMachine(instance, machine, signal).catch((error) => {
          throw signal.aborted ? new Error("It was aborted") : error;
        }),
    }),
  },
  {
    breaks: "abortable",
    how: "creates a machine although the signal has aborted",
    alter: () => (sound) => ({
      createMachine: async (instance, machine, signal) => {
        await sound.createMachine(instance, machine, signal.aborted ? never : signal);
        signal.throwIfAborted();
      },
    }),
  },
  {
    breaks: "lets go",
    how: "ends the machine when a process in it is let go of",
    alter: () => (sound) => ({
      exec: async (instance, machine, request, signal) => {
        signal.throwIfAborted();
        return sound.exec(instance, machine, request, signal).catch((error) => {
          if (signal.aborted) sound.crash(instance.instanceId, machine);
          throw error;
        });
      },
    }),
  },
  {
    breaks: "adopts",
    how: "starts a machine again that runs",
    alter: () => (sound) => ({
      startMachine: async (instance, machine, signal) => {
        const { machines } = await sound.observe(instance, signal);
        if (machines[machine]?.state === "running") {
          await sound.removeMachine(instance, machine, signal);
          await sound.createMachine(instance, machine, signal);
        }
        return sound.startMachine(instance, machine, signal);
      },
    }),
  },
  {
    breaks: "adopts",
    how: "tells another address when it is asked again",
    alter: () => {
      const told = new Set<string>();
      return (sound) => ({
        startMachine: async (instance, machine, signal) => {
          const started = await sound.startMachine(instance, machine, signal);
          const key = `${instance.instanceId} ${machine}`;
          if (!told.has(key)) {
            told.add(key);
            return started;
          }
          return { ...started, addresses: { http: { host: "127.0.0.1", port: 1, url: "http://127.0.0.1:1" } } };
        },
      });
    },
  },
  {
    breaks: "runs once",
    how: "runs a process again that has ended",
    alter: () => {
      const ended = new Set<string>();
      return (sound) => ({
        exec: async (instance, machine, request, signal) => {
          const exit = await sound.exec(instance, machine, request, signal);
          const key = `${instance.instanceId} ${machine} ${request.id}`;
          if (ended.has(key)) sound.print(instance.instanceId, machine, "begun", request.id);
          ended.add(key);
          return exit;
        },
      });
    },
  },
  {
    breaks: "observes",
    how: "overlooks machines that were not started",
    alter: () => (sound) => ({
      observe: async (...args) => {
        const { exists, machines } = await sound.observe(...args);
        const seen = Object.entries(machines).filter(([, { state }]) => state !== "created");
        return { exists, machines: Object.fromEntries(seen) };
      },
    }),
  },
  {
    breaks: "observes",
    how: "forgets how a machine ended",
    alter: () => (sound) => ({
      observe: async (...args) => {
        const { exists, machines } = await sound.observe(...args);
        const seen = Object.entries(machines).map(([name, machine]) => [name, { ...machine, exit: null }] as const);
        return { exists, machines: Object.fromEntries(seen) };
      },
    }),
  },
  {
    breaks: "observes",
    how: "lists no instance without machines",
    alter: () => (sound) => ({
      identities: async (signal) => {
        const refs = await sound.identities(signal);
        const { instances } = sound.world();
        return refs.filter(({ instanceId }) =>
          instances.some((each) => each.instanceId === instanceId && Object.keys(each.machines).length > 0),
        );
      },
    }),
  },
  {
    breaks: "watches",
    how: "listens before it looks",
    alter: () => (sound) => ({
      async *watch(ref, machine, signal) {
        const { machines } = await sound.observe(ref, signal);
        if (machines[machine]?.state !== "exited") yield* sound.watch(ref, machine, signal);
      },
    }),
  },
  {
    breaks: "watches",
    how: "tells every exit as a good one",
    alter: () => (sound) => ({
      async *watch(...args) {
        for await (const fact of sound.watch(...args)) {
          yield fact.type === "exited" ? { ...fact, exit: { ...fact.exit, code: 0 } } : fact;
        }
      },
    }),
  },
  {
    breaks: "watches",
    how: "takes a machine that runs to have ended",
    alter: () => (sound) => ({
      async *watch(ref, machine, signal) {
        const { machines } = await sound.observe(ref, signal);
        const exit = machines[machine]?.exit ?? { code: 3, signal: null, oomKilled: false, at: 0 };
        yield { type: "exited", exit };
      },
    }),
  },
  {
    breaks: "resumes",
    how: "repeats the line at the cursor",
    alter: () => (sound) => ({
      output: (ref, machine, cursor, ...rest) => {
        const earlier = Object.entries(cursor).map(
          ([stream, position]) => [stream, Math.max(0, position - 1)] as const,
        );
        return sound.output(ref, machine, Object.fromEntries(earlier), ...rest);
      },
    }),
  },
  {
    breaks: "resumes",
    how: "leaves out the line after the cursor",
    alter: () => (sound) => ({
      async *output(ref, machine, cursor, ...rest) {
        let isFirst = Object.keys(cursor).length > 0;
        for await (const record of sound.output(ref, machine, cursor, ...rest)) {
          yield isFirst ? withoutFirst(record) : record;
          isFirst = false;
        }
      },
    }),
  },
  {
    breaks: "resumes",
    how: "forgets what a removed machine wrote",
    alter: () => (sound) => ({
      async *output(ref, machine, ...rest) {
        const { machines } = await sound.observe(ref, never);
        if (machines[machine] !== undefined) yield* sound.output(ref, machine, ...rest);
      },
    }),
  },
  {
    breaks: "resumes",
    how: "ends before the machine has written all",
    alter: () => (sound) => ({
      output: (ref, machine, cursor, options, signal) =>
        sound.output(ref, machine, cursor, { ...options, follow: false }, signal),
    }),
  },
  {
    breaks: "stops",
    how: "ends machines at once, whatever their grace",
    alter: () => (sound) => ({
      stopMachine: async (ref, machine, _graceMs, signal) => sound.stopMachine(ref, machine, 0, signal),
    }),
  },
  {
    breaks: "stops",
    how: "waits for ever for what does not heed it",
    alter: () => (sound) => ({
      stopMachine: async (ref, machine, graceMs, signal) =>
        sound.stopMachine(ref, machine, graceMs === 0 ? 0 : 10 ** 9, signal),
    }),
  },
  {
    breaks: "stops",
    how: "says that it is done when it has only asked",
    alter: () => (sound) => ({
      stopMachine: async (ref, machine, graceMs, signal) => {
        signal.throwIfAborted();
        sound.stopMachine(ref, machine, graceMs, signal).catch(() => {});
      },
    }),
  },
  {
    breaks: "fenced",
    how: "does not look again when an instance is destroyed again",
    alter: () => {
      const destroyed = new Set<string>();
      return (sound) => {
        sound.inject({ operation: "prepare", onAbort: "late", delayMs: 10, times: Number.POSITIVE_INFINITY });
        return {
          destroy: async (ref, signal) => {
            signal.throwIfAborted();
            if (destroyed.has(ref.instanceId)) return [];
            const leaks = await sound.destroy(ref, signal);
            destroyed.add(ref.instanceId);
            return leaks;
          },
        };
      };
    },
  },
  {
    breaks: "isolated",
    how: "destroys the workspace's other instances too",
    alter: () => (sound) => ({
      destroy: async (ref, signal) => {
        const all = await sound.identities(signal);
        for (const each of all) if (each.workspaceId === ref.workspaceId) await sound.destroy(each, signal);
        return [];
      },
    }),
  },
  {
    breaks: "isolated",
    how: "stops the instance's other machines too",
    alter: () => (sound) => ({
      stopMachine: async (ref, machine, graceMs, signal) => {
        await sound.stopMachine(ref, machine, graceMs, signal);
        const { machines } = await sound.observe(ref, signal);
        for (const other of Object.keys(machines)) await sound.stopMachine(ref, other, 0, signal);
      },
    }),
  },
  {
    breaks: "leaves nothing",
    how: "forgets created machines",
    alter: () => (sound) => ({
      destroy: async (ref, signal) => {
        const { machines } = await sound.observe(ref, signal);
        if (!Object.values(machines).some(({ state }) => state === "created")) return sound.destroy(ref, signal);
        return [];
      },
    }),
  },
  {
    breaks: "volumes",
    how: "removes them with the instance",
    alter: () => (sound) => ({
      destroy: async (ref, signal) => {
        const leaks = await sound.destroy(ref, signal);
        await sound.removeVolumes(ref.workspaceId, signal);
        return leaks;
      },
    }),
  },
  {
    breaks: "volumes",
    how: "never removes them",
    alter: () => () => ({ removeVolumes: async (_workspaceId, signal) => signal.throwIfAborted() }),
  },
  {
    breaks: "recovers",
    how: "ends its machines when it is closed",
    alter: () => (sound) => ({
      close: async () => {
        for (const { instanceId, machines } of sound.world().instances) {
          for (const machine of Object.keys(machines)) sound.crash(instanceId, machine);
        }
        await sound.close();
      },
    }),
  },
  {
    breaks: "recovers",
    how: "knows only the instances that it has prepared itself",
    alter: () => (sound) => {
      const known = new Set<string>();
      return {
        prepare: async (instance, ...args) => {
          const answer = await sound.prepare(instance, ...args);
          known.add(instance.instanceId);
          return answer;
        },
        identities: async (signal) => {
          const refs = await sound.identities(signal);
          return refs.filter(({ instanceId }) => known.has(instanceId));
        },
      };
    },
  },
];

/** The infrastructure with some of its operations replaced. */
export function altered(sound: SimulatedInfrastructure, changes: Partial<Infrastructure>): Infrastructure {
  return new Proxy<Infrastructure>(sound, {
    get: (_, key) => {
      const member: unknown = Reflect.get(changes, key) ?? Reflect.get(sound, key, sound);
      return typeof member === "function" ? member.bind(sound) : member;
    },
  });
}

function withoutFirst(record: OutputRecord): OutputRecord {
  return record.type === "gap" ? record : { ...record, lines: record.lines.slice(1) };
}
