import type { Observation } from "../../infrastructure/spi.ts";
import { type InstanceName, instanceNames } from "./cast.ts";
import type { Checks } from "./checks.ts";
import type { Model } from "./model.ts";
import type { Place } from "./place.ts";
import { type Outcome, outcomeWithin, sleep } from "./time.ts";

/** What was let go of may have its effect a moment after its instance was destroyed: nothing must come for so long, in milliseconds. */
const QUIET_MS = 50;

/**
 * Removes all that the trial brought into being.
 *
 * `checks`: `null` if the trial has failed already; then it does what it can.
 */
export async function clear(place: Place, model: Model, timeoutMs: number, checks: Checks | null): Promise<void> {
  const { infrastructure, clock, opened, instances } = place;
  const ask = <T>(question: (signal: AbortSignal) => Promise<T>) => outcomeWithin(clock, timeoutMs, question);
  for (const name of instanceNames) {
    if (model.instances[name].isMet) await clearInstance(place, model, name, timeoutMs, checks);
  }
  for (const name of instanceNames) {
    const { workspaceId } = instances[name];
    const outcome = await ask((signal) => infrastructure.removeVolumes(workspaceId, signal));
    checks?.expect("volumes", outcome.type === "fulfilled", () => `removeVolumes(${name}) ${how(outcome)}`);
  }
  for (const name of instanceNames) {
    const leftovers = (await opened.leftovers?.(instances[name])) ?? [];
    checks?.expect("leaves nothing", leftovers.length === 0, () => `${leftovers.join(", ")} is left of ${name}`);
  }
}

async function clearInstance(
  { infrastructure, clock, instances }: Place,
  model: Model,
  name: InstanceName,
  timeoutMs: number,
  checks: Checks | null,
): Promise<void> {
  const ref = instances[name];
  const instance = model.instances[name];
  const clause = instance.hasLate ? "fenced" : "leaves nothing";
  const deadlineAt = clock.now() + timeoutMs;
  const ask = <T>(question: (signal: AbortSignal) => Promise<T>) => outcomeWithin(clock, timeoutMs, question);
  for (;;) {
    const destroyed = await ask((signal) => infrastructure.destroy(ref, signal));
    checks?.expect(clause, destroyed.type === "fulfilled", () => `destroy(${name}) ${how(destroyed)}`);
    if (instance.hasLate) await sleep(clock, QUIET_MS);
    const observed = await ask((signal) => infrastructure.observe(ref, signal));
    if (observed.type === "fulfilled" && isNothing(observed.value)) break;
    const isInTime = clock.now() < deadlineAt && instance.hasLate;
    checks?.expect(clause, isInTime, () => `destroy(${name}), however often, leaves ${what(observed)}`);
    if (!isInTime) return;
  }
}

function isNothing({ exists, machines }: Observation): boolean {
  return !exists && Object.keys(machines).length === 0;
}

function what(outcome: Outcome<Observation>): string {
  if (outcome.type !== "fulfilled") return `what observe() cannot tell: it ${how(outcome)}`;
  const machines = Object.entries(outcome.value.machines).map(([name, { state }]) => `machine ${name} as ${state}`);
  return machines.length === 0 ? "the instance" : machines.join(", ");
}

function how(outcome: Outcome<unknown>): string {
  if (outcome.type === "rejected") return `rejects with ${String(outcome.reason)}`;
  return outcome.type === "unsettled" ? "has not settled" : "is done";
}
