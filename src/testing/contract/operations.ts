import type { Instance } from "../../infrastructure/spi.ts";
import { noProgress, type Scene, type Stage } from "./stage.ts";

/** One operation on machine `main` of an instance, and what must be there for it to begin. */
export interface OperationUnderTest {
  readonly name: string;
  readonly needs: "nothing" | "prepared" | "created" | "running";
  readonly run: (scene: Scene, instance: Instance, signal: AbortSignal) => Promise<unknown>;
}

/** Every operation that settles once and is about one instance. */
export const operationsUnderTest: readonly OperationUnderTest[] = [
  {
    name: "prepare",
    needs: "nothing",
    run: ({ stage }, instance, signal) => stage.infrastructure.prepare(instance, signal, noProgress),
  },
  {
    name: "fetchImage",
    needs: "prepared",
    run: ({ stage }, instance, signal) => stage.infrastructure.fetchImage(instance, "main", signal, noProgress),
  },
  {
    name: "createMachine",
    needs: "prepared",
    run: ({ stage }, instance, signal) => stage.infrastructure.createMachine(instance, "main", signal),
  },
  {
    name: "startMachine",
    needs: "created",
    run: ({ stage }, instance, signal) => stage.infrastructure.startMachine(instance, "main", signal),
  },
  {
    name: "put",
    needs: "created",
    run: ({ stage }, instance, signal) =>
      stage.infrastructure.put(instance, "main", [{ path: "file", content: "text" }], signal),
  },
  {
    name: "exec",
    needs: "running",
    run: ({ stage, programs }, instance, signal) =>
      stage.infrastructure.exec(instance, "main", { id: "tool", command: programs.stubborn, env: {} }, signal),
  },
  {
    name: "stopMachine",
    needs: "running",
    run: ({ stage }, instance, signal) => stage.infrastructure.stopMachine(instance, "main", 25_000, signal),
  },
  {
    name: "removeMachine",
    needs: "running",
    run: ({ stage }, instance, signal) => stage.infrastructure.removeMachine(instance, "main", signal),
  },
  {
    name: "observe",
    needs: "running",
    run: ({ stage }, instance, signal) => stage.infrastructure.observe(instance, signal),
  },
  {
    name: "destroy",
    needs: "running",
    run: ({ stage }, instance, signal) => stage.infrastructure.destroy(instance, signal),
  },
];

/** Brings an instance with a machine `main`, which ignores requests to end, to where an operation can begin. */
export async function setUp({ stage, programs }: Scene, needs: OperationUnderTest["needs"]): Promise<Instance> {
  const instance = stage.instance({ main: { command: programs.stubborn, servers: { http: {} } } });
  const steps: (() => Promise<unknown>)[] = [
    () => stage.prepare(instance),
    () => stage.create(instance, "main"),
    () => startUntilReady(stage, instance),
  ];
  const count = ["nothing", "prepared", "created", "running"].indexOf(needs);
  for (const step of steps.slice(0, count)) await step();
  return instance;
}

async function startUntilReady(stage: Stage, instance: Instance): Promise<void> {
  await stage.start(instance, "main");
  await stage.linesUntil(instance, "main", "ready");
}
