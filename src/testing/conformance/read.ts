import type { Checks } from "./checks.ts";
import type { Source } from "./output-check.ts";
import { checkReplay, checkText, hasAll } from "./output-check.ts";
import type { Place } from "./place.ts";

/** `whole`: until all has come that must, and checks it. `follow`: until it is let go of. `glance`: what is there. */
export type Reading = "whole" | "follow" | "glance";

/** Reads on in a machine's output. */
export async function readOn(
  place: Place,
  source: Source,
  reading: Reading,
  checks: Checks,
  signal: AbortSignal,
): Promise<void> {
  const reader = place.reader(source.instance, source.machine);
  const { infrastructure, instances } = place;
  const ref = instances[source.instance];
  if (reading === "follow") return reader.follow(infrastructure, ref, () => false, signal);
  if (reading === "whole") await reader.follow(infrastructure, ref, () => hasAll(place, reader, source), signal);
  await reader.glance(infrastructure, ref, signal);
  if (reading === "glance") return;

  checks.expect("resumes", hasAll(place, reader, source), () => {
    return `output(${source.instance}, ${source.machine}) ends with: ${reader.textOf("").join(", ")}`;
  });
  checkText(place, reader, source, checks);
  await checkReplay(place, reader, source, checks, signal);
  const { life, livesBefore } = source.model;
  const hasSpoken = livesBefore === 0 && life.run === "yes" && reader.textOf("").length > 0;
  if (source.machine === "stubborn" && hasSpoken) life.ignoresRequests = true;
}

/** Looks at the output of a machine whose instance was destroyed. */
export async function readNothing(
  { infrastructure, instances }: Place,
  { instance, machine }: Source,
  checks: Checks,
  signal: AbortSignal,
): Promise<void> {
  for await (const record of infrastructure.output(instances[instance], machine, {}, { follow: false }, signal)) {
    const isGone = record.type === "lines" && record.lines.length === 0;
    checks.expect("leaves nothing", isGone, () => `output(${instance}, ${machine}) is still there`);
  }
}
