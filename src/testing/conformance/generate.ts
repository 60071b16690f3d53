import { arrange } from "./arrange.ts";
import { type Call, type Step, type TimedCall, timed } from "./call.ts";
import { execIds, type InstanceName, instanceNames, type MachineName, machineNames } from "./cast.ts";
import { Model } from "./model.ts";
import type { Random } from "./random.ts";
import { applies, isRefused } from "./rules.ts";

/** Steps of a sequence. */
const MIN_STEPS = 6;
const MAX_STEPS = 18;

const ABORT_MOMENTS_MS = ["before", 0, 1, 3, 10, 40] as const;
const LATER_MS = [0, 1, 3, 10, 40] as const;
const GRACES_MS = [0, 40, 25_000] as const;

/** Chances with which a step is disturbed, tried in this order. */
const PERCENT = { aborted: 15, repeatedAtOnce: 8, destroyedMeanwhile: 5, killedMeanwhile: 4, besideAnother: 10 };

const noExit = { code: 0, signal: null, oomKilled: false, at: 0 };

interface Cast {
  readonly instances: readonly InstanceName[];
  readonly machines: readonly MachineName[];
}

/** A sequence of calls that could all be made if every one of them were done at once. */
export function generate(random: Random): Step[] {
  const model = new Model({ canReopen: true, canBeKilled: true });
  // With few that play, more happens to each.
  const cast: Cast = { instances: someOf(instanceNames, random), machines: someOf(machineNames, random) };
  const length = MIN_STEPS + random.below(MAX_STEPS - MIN_STEPS + 1);
  const steps: Step[] = [];
  while (steps.length < length) {
    const step = arrange(stepOf(random, model, cast), model);
    if (step.length === 0) continue;
    for (const { call, abortMs } of step) {
      if (abortMs === null && !isRefused(call, model)) model.apply(call, true, noExit);
    }
    steps.push(step);
  }
  return steps;
}

function stepOf(random: Random, model: Model, cast: Cast): TimedCall[] {
  const call = callOf(random, model, cast);
  const afterMs = random.pick(LATER_MS);
  if (random.chance(PERCENT.aborted)) return [timed(call, { abortMs: random.pick(ABORT_MOMENTS_MS) })];
  if (random.chance(PERCENT.repeatedAtOnce)) return [timed(call), timed(call, { afterMs })];
  if (random.chance(PERCENT.killedMeanwhile)) return [timed(call), timed({ operation: "kill" }, { afterMs })];
  if (random.chance(PERCENT.besideAnother)) return [timed(call), timed(callOf(random, model, cast), { afterMs })];
  if ("instance" in call && random.chance(PERCENT.destroyedMeanwhile)) {
    return [timed(call), timed({ operation: "destroy", instance: call.instance }, { afterMs })];
  }
  return [timed(call)];
}

/** One that applies, and rather one that leads on. */
function callOf(random: Random, model: Model, cast: Cast): Call {
  const instance = random.pick(cast.instances);
  const machine = random.pick(cast.machines);
  const choices: readonly (readonly [weight: number, Call])[] = [
    [6, { operation: "prepare", instance }],
    [1, { operation: "fetchImage", instance, machine }],
    [5, { operation: "createMachine", instance, machine }],
    [6, { operation: "startMachine", instance, machine }],
    [2, { operation: "put", instance, machine }],
    [8, { operation: "exec", instance, machine, id: random.pick(execIds) }],
    [3, { operation: "output", instance, machine }],
    [3, { operation: "watch", instance, machine }],
    [2, { operation: "stopMachine", instance, machine, graceMs: random.pick(GRACES_MS) }],
    [1, { operation: "removeMachine", instance, machine }],
    [1, { operation: "destroy", instance }],
    [1, { operation: "removeVolumes", instance }],
    [1, { operation: "observe", instance }],
    [1, { operation: "identities" }],
    [1, { operation: "reopen" }],
    [1, { operation: "kill" }],
  ];
  const leads = choices.filter(([, call]) => applies(call, model) && !isIdle(call, model));
  const all = leads.flatMap(([weight, call]) => Array.from({ length: weight }, () => call));
  // Now and then what changes nothing is tried too: it must indeed change nothing.
  return all.length === 0 || random.chance(10) ? random.pick(choices)[1] : random.pick(all);
}

/** One at least. */
function someOf<T>(all: readonly T[], random: Random): readonly T[] {
  return random.shuffled(all).slice(0, 1 + random.below(all.length));
}

function isIdle(call: Call, model: Model): boolean {
  if (!("instance" in call)) return false;
  if ("machine" in call && call.operation !== "createMachine" && model.machineOf(call).isIn("absent")) return true;
  return call.operation !== "prepare" && model.instanceOf(call).exists === "no";
}
