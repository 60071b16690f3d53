/** The ports of the charts, in the hands of the test. */
import {
  type CallbackActorLogic,
  type EventObject,
  fromCallback,
  fromPromise,
  type NonReducibleUnknown,
  type PromiseActorLogic,
} from "xstate";

/** As far as a test tells calls apart by it. */
interface PortInput {
  readonly machine?: string;
  readonly name?: string;
  readonly installer?: string;
  readonly server?: string;
  /** Of a deadline. */
  readonly source?: { readonly machine?: string; readonly name?: string };
  readonly state?: string;
  readonly budgetMs?: number;
}

/** Work that a chart asked for. */
export interface Call {
  readonly port: string;
  readonly input: PortInput;
  readonly signal: AbortSignal;
  /** Settled by the test, or let go of by the chart. */
  readonly isOver: boolean;
  resolve(output: unknown): void;
  reject(error: unknown): void;
  /** Tells a fact; for work that goes on. */
  tell(fact: EventObject): void;
}

/** Provides ports that do nothing but write down that they were asked. */
export class ManualPorts {
  readonly calls: Call[] = [];

  readonly port = <Output, Input extends NonReducibleUnknown>(name: string): PromiseActorLogic<Output, Input> =>
    fromPromise<Output, Input>(
      ({ input, signal }) =>
        new Promise((resolve, reject) => {
          this.#record(name, input, signal, { resolve: (output) => resolve(output as Output), reject });
        }),
    );

  readonly source = <Input extends NonReducibleUnknown>(name: string): CallbackActorLogic<EventObject, Input> =>
    fromCallback<EventObject, Input>(({ input, sendBack, self }) => {
      const controller = new AbortController();
      // A callback that has begun can fail in no other way.
      const reject = (error: unknown): void =>
        sendBack({ type: `xstate.error.actor.${self.id}`, error } as EventObject);
      this.#record(name, input, controller.signal, { tell: sendBack, reject });
      return () => controller.abort();
    });

  #record(port: string, input: unknown, signal: AbortSignal, means: Partial<Call>): void {
    let isSettled = false;
    this.calls.push({
      port,
      input: input as PortInput,
      signal,
      get isOver() {
        return isSettled || signal.aborted;
      },
      resolve: (output) => {
        isSettled = true;
        means.resolve?.(output);
      },
      reject: (error) => {
        isSettled = true;
        means.reject?.(error);
      },
      tell: (fact) => means.tell?.(fact),
    });
  }
}

/** Work that ends only when its state is left. */
export function isEndless({ port }: Call): boolean {
  return port === "deadline" || port === "watchMachine" || port === "probe";
}

/** `prepare`, `bootMachine web`, `runScript web agent`; `deadline web starting.booting`, `deadline starting.queued`. */
export function nameOf({ port, input }: Call): string {
  const { machine, name } = input.source ?? input;
  const parts = [port, machine, name ?? input.installer ?? input.server, port === "deadline" ? input.state : undefined];
  return parts.filter((part) => part !== undefined).join(" ");
}
