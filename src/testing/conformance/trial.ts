import type { Exit } from "../../../machines/failure.ts";
import type { ContractPrograms } from "../contract/programs.ts";
import { arrange, disturbs, isReading } from "./arrange.ts";
import { blame, type JudgedCall } from "./blame.ts";
import { BrokenClause } from "./broken-clause.ts";
import { type Call, isOfMachine, type Step, type TimedCall } from "./call.ts";
import { begin, makeCall, watch } from "./caller.ts";
import { instanceNames, type MachineName } from "./cast.ts";
import type { Checks } from "./checks.ts";
import { clear } from "./clear.ts";
import { inspect, inspectIdentities } from "./inspect.ts";
import { type Case, judge } from "./judge.ts";
import { Model } from "./model.ts";
import type { Opened } from "./opened.ts";
import { checkFinding } from "./output-check.ts";
import { Place } from "./place.ts";
import { readNothing, readOn } from "./read.ts";
import { isRefused, isRepeated } from "./rules.ts";
import { outcomeWithin, sleep } from "./time.ts";

export interface TrialOptions {
  readonly programs: ContractPrograms;
  /** How long one call may take, its grace apart, in milliseconds. */
  readonly timeoutMs: number;
  readonly checks: Checks;
}

/** One sequence of calls, made in a place of its own; each step is held against what must be. */
export class Trial {
  /** The steps that were made, as they were made: what did not apply is left out. */
  readonly made: Step[] = [];
  readonly #place: Place;
  readonly #model: Model;
  readonly #checks: Checks;
  readonly #timeoutMs: number;

  constructor(opened: Opened, { programs, timeoutMs, checks }: TrialOptions) {
    this.#place = new Place(opened, programs);
    this.#model = new Model({ canReopen: opened.reopen !== undefined, canBeKilled: opened.kill !== undefined });
    this.#checks = checks;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Makes the calls, and leaves nothing behind.
   *
   * @throws {BrokenClause} where a promise was broken.
   */
  async run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) await this.#take(step);
      await clear(this.#place, this.#model, this.#timeoutMs, this.#checks);
    } catch (error) {
      await clear(this.#place, this.#model, this.#timeoutMs, null);
      throw error;
    } finally {
      await outcomeWithin(this.#place.clock, this.#timeoutMs, () => this.#place.infrastructure.close());
      await this.#place.opened.close();
    }
  }

  async #take(sketch: Step): Promise<void> {
    const step = arrange(sketch, this.#model);
    if (step.length === 0) return;
    this.made.push(step);
    const judged = step.map((timed) => ({ ...timed, isRepeated: isRepeated(timed.call, this.#model) }));
    const cases = await this.#makeAll(judged);
    for (const each of cases) judge(each, this.#model, this.#place, this.#checks);
    for (const each of cases) await checkFinding(this.#place, this.#model, each, this.#timeoutMs, this.#checks);
    for (const each of endsLast(cases)) this.#apply(each);
    await this.#inspectAll(judged);
  }

  async #makeAll(step: readonly JudgedCall[]): Promise<readonly Case[]> {
    const killed = new AbortController();
    const cases = await Promise.all(
      step.map(async (timed): Promise<Case | null> => {
        const { call } = timed;
        if (call.operation === "reopen" || call.operation === "kill") {
          await sleep(this.#place.clock, timed.afterMs);
          killed.abort();
          await this.#restart(call.operation);
          return null;
        }
        const limits = { timeoutMs: this.#timeoutMs, killed: killed.signal };
        const circumstances = {
          isRepeated: timed.isRepeated,
          isRefused: isRefused(call, this.#model),
          isDisturbed: step.some((other) => disturbs(other.call, call)),
          isAlone: step.length === 1,
        };
        const made = await makeCall(this.#place, timed, (signal) => this.#begin(timed, step, signal), limits);
        return made && { ...made, ...circumstances };
      }),
    );
    return cases.filter((each) => each !== null);
  }

  async #restart(how: "reopen" | "kill"): Promise<void> {
    const outcome = await outcomeWithin(this.#place.clock, this.#timeoutMs, () => this.#place.restart(how));
    if (outcome.type === "rejected") throw outcome.reason;
    this.#checks.expect("recovers", outcome.type === "fulfilled", () => `${how}() has not settled`);
  }

  async #begin({ call, abortMs }: TimedCall, step: Step, signal: AbortSignal): Promise<unknown> {
    switch (call.operation) {
      case "watch":
        return watch(this.#place.infrastructure, this.#place.instances[call.instance], call.machine, signal);
      case "output": {
        const source = { ...call, model: this.#model.machineOf(call) };
        if (this.#model.instanceOf(call).isDoomed) return readNothing(this.#place, source, this.#checks, signal);
        const isUndisturbed = step.every((other) => other.call === call || isReading(other.call));
        const reading = abortMs !== null ? "follow" : isUndisturbed ? "whole" : "glance";
        return readOn(this.#place, source, reading, this.#checks, signal);
      }
      default:
        return begin(this.#place, call, signal);
    }
  }

  /** What did not come to its end undisturbed may have had its effect, or may have it yet. */
  #apply({ call, abortMs, outcome, isRefused, isDisturbed }: Case): void {
    if (isRefused || abortMs === "before") return;
    const isDone = outcome.type === "fulfilled" && !isDisturbed;
    this.#model.apply(call, isDone, isDone && call.operation === "exec" ? (outcome.value as Exit) : null);
  }

  async #inspectAll(step: readonly JudgedCall[]): Promise<void> {
    const met = instanceNames.filter((name) => this.#model.instances[name].isMet);
    for (const name of met) {
      const ref = this.#place.instances[name];
      const observation = await this.#ask(`observe(${name})`, (infrastructure, signal) =>
        infrastructure.observe(ref, signal),
      );
      const clauseOf = (machine: MachineName | null) => blame(step, name, machine);
      inspect(name, this.#model.instances[name], observation, clauseOf, this.#checks);
    }
    const listed = await this.#ask("identities()", (infrastructure, signal) => infrastructure.identities(signal));
    for (const name of met) {
      const about = { name, ref: this.#place.instances[name], model: this.#model.instances[name] };
      inspectIdentities(about, listed, blame(step, name, null), this.#checks);
    }
  }

  async #ask<T>(
    about: string,
    question: (infrastructure: Place["infrastructure"], signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock, infrastructure } = this.#place;
    const outcome = await outcomeWithin(clock, this.#timeoutMs, (signal) => question(infrastructure, signal));
    if (outcome.type === "fulfilled") return outcome.value;
    if (outcome.type === "unsettled") throw new BrokenClause("settles", `${about} has not settled`);
    throw new BrokenClause("works", `${about} rejects with ${String(outcome.reason)}`);
  }
}

/** Those that end something come last: what was done at once with them was there before. */
function endsLast<T extends { readonly call: Call }>(cases: readonly T[]): T[] {
  const rank = ({ call }: T) => {
    if (call.operation === "destroy") return 2;
    return isOfMachine(call) && ["stopMachine", "removeMachine"].includes(call.operation) ? 1 : 0;
  };
  return cases.toSorted((a, b) => rank(a) - rank(b));
}
