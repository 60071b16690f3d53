import { createActor, fromTransition } from "xstate";

/** An actor that nobody started: whom a chart reports to while it is only thought through. */
export const inertActor = createActor(fromTransition(() => null, null));
