import { EventEmitter, once } from "node:events";
import { Hub, type SubscribeOptions } from "../../../src/channels/hub.ts";
import { TroupeError } from "../../../src/errors.ts";
import type { OutputRecord } from "../../../src/infrastructure/spi.ts";
import type { WorkspaceConfig } from "../../../src/model/config.ts";
import type { Incident } from "../../../src/model/incident.ts";
import type { OutputLine, WorkspaceStatus, WorkspaceView } from "../../../src/model/workspace.ts";
import type { LogQuery, StartOptions, StopOptions, Supervisor, WaitCondition } from "../../../src/supervisor/api.ts";
import { MemorySource, viewOf } from "../../channels/memory-source.ts";

/** One instance's output of machine `web`: lines at positions 1, 2, …; followers wait for more until it is over. */
class FakeOutput extends EventEmitter<{ more: [] }> {
  readonly lines: OutputLine[] = [];
  isOver = false;

  print(...texts: string[]): void {
    for (const text of texts) {
      this.lines.push({ machine: "web", installer: null, position: this.lines.length + 1, at: 0, text });
    }
    this.emit("more");
  }

  finish(): void {
    this.isOver = true;
    this.emit("more");
  }
}

/** Keeps the supervisor's contract as far as the protocol can see, with a real hub and with lifecycles that the test drives. */
export class FakeSupervisor implements Supervisor {
  readonly epoch = "e1";
  readonly source = new MemorySource();
  readonly hub = new Hub(this.source);
  readonly calls: string[] = [];
  isClosing = false;
  /** What the next start throws. */
  refusal: Error | undefined;
  readonly #configs = new Map<string, unknown>();
  readonly #outputs = new Map<string, FakeOutput>();

  /** Makes a transition: journal, then hub. */
  move(id: string, change: Partial<WorkspaceView>): WorkspaceView {
    const view = { ...(this.source.view(id) ?? viewOf({ id })), ...change };
    this.hub.publish([this.source.commit(id, change.state ?? view.status.toLowerCase(), view)]);
    return view;
  }

  output(instanceId: string): FakeOutput {
    const known = this.#outputs.get(instanceId) ?? new FakeOutput();
    this.#outputs.set(instanceId, known);
    return known;
  }

  create(config: unknown, options: { owner?: string } = {}): WorkspaceView {
    const name = (config as { name?: unknown } | null)?.name;
    if (typeof name !== "string") {
      throw new TroupeError("CONFIG_INVALID", "Cannot use the config", {
        problems: [{ path: "name", message: "is missing" }],
      });
    }
    if (this.#find(name) !== undefined) throw new TroupeError("WORKSPACE_EXISTS", `Cannot create "${name}": it exists`);
    this.#configs.set(`id-${name}`, config);
    return this.move(`id-${name}`, { id: `id-${name}`, name, owner: options.owner ?? "anyone", state: "stopped" });
  }

  update(key: string, config: unknown, options: { version?: number } = {}): WorkspaceView {
    const { id, version } = this.get(key);
    if (options.version !== undefined && options.version !== version) {
      throw new TroupeError("WORKSPACE_CONFLICT", `Cannot update "${key}"`, {
        details: { expected: options.version, current: version },
      });
    }
    this.#configs.set(id, config);
    return this.move(id, { version: version + 1 });
  }

  get(key: string): WorkspaceView {
    const view = this.#find(key);
    if (view === undefined)
      throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot find workspace "${key}": there is none`);
    return view;
  }

  config(key: string): WorkspaceConfig {
    return this.#configs.get(this.get(key).id) as WorkspaceConfig;
  }

  list(query: { owner?: string; status?: WorkspaceStatus; after?: string; limit?: number } = {}) {
    this.calls.push(`list ${JSON.stringify(query)}`);
    return this.source.views({
      limit: query.limit ?? 100,
      ...(query.after === undefined ? {} : { after: query.after }),
    });
  }

  start(key: string, options: StartOptions = {}): WorkspaceView {
    const { id, instanceId } = this.get(key);
    this.calls.push(`start ${id} ${JSON.stringify(options)}`);
    if (this.refusal !== undefined) throw this.refusal;
    const number = Number(instanceId?.slice(1) ?? 0) + 1;
    return this.move(id, {
      status: "STARTING",
      state: "starting.queued",
      desired: "running",
      instanceId: `i${number}`,
    });
  }

  stop(key: string, options: StopOptions = {}): WorkspaceView {
    const { id } = this.get(key);
    this.calls.push(`stop ${id} ${JSON.stringify(options)}`);
    return this.move(id, { status: "STOPPING", state: "stopping.halting", desired: "stopped" });
  }

  async delete(key: string): Promise<void> {
    const { id } = this.get(key);
    this.hub.publish([this.source.commit(id, "deleted")]);
  }

  async wait(key: string, condition: WaitCondition, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    const { id } = this.get(key);
    this.calls.push(`wait ${id} ${JSON.stringify(condition)}`);
    const late = AbortSignal.timeout(options.timeoutMs ?? 60_000);
    const signal = options.signal === undefined ? late : AbortSignal.any([late, options.signal]);
    for await (const _ of this.hub.subscribe({ workspaceId: id }, { signal })) {
      const view = this.get(id);
      if (condition.for !== "server" && view.status === condition.for.toUpperCase()) return view;
    }
    options.signal?.throwIfAborted();
    throw new TroupeError("WAIT_TIMEOUT", `Cannot wait longer for "${key}"`);
  }

  async why(key: string) {
    return { workspace: this.get(key), summary: "it is as it is", chain: [], lastLines: [], events: [] };
  }

  events(key: string, query: { after?: number; instanceId?: string; limit?: number } = {}) {
    return this.source.events({ workspaceId: this.get(key).id, after: query.after ?? 0, limit: query.limit ?? 100 });
  }

  async export(key: string, query: { readonly instanceId?: string } = {}): Promise<Incident> {
    const { id, name, owner, attributes, version, createdAt, updatedAt } = this.get(key);
    this.calls.push(`export ${id} ${JSON.stringify(query)}`);
    return {
      format: "troupe-incident",
      version: 1,
      troupe: "1.2.3",
      exportedAt: 0,
      workspace: { id, name, owner, attributes, version, createdAt, updatedAt },
      config: this.config(key),
      instances: [],
      events: this.events(key),
      notes: [],
    };
  }

  async *logs(key: string, query: LogQuery = {}): AsyncGenerator<OutputRecord, void, void> {
    const { instanceId } = this.get(key);
    if (instanceId === null) return;
    const output = this.output(instanceId);
    const seen = query.cursor?.["web"]?.[""];
    let next = seen ?? (query.tail === undefined ? 0 : Math.max(0, output.lines.length - query.tail));
    for (;;) {
      const lines = output.lines.slice(next, next + 50);
      next += lines.length;
      if (lines.length > 0) yield { type: "lines", lines };
      else if (output.isOver || !query.follow) return;
      else await once(output, "more", { signal: query.signal });
    }
  }

  leaks() {
    return [];
  }

  health() {
    return {
      status: this.isClosing ? ("closing" as const) : ("ok" as const),
      workspaces: { STARTING: 0, RUNNING: 0, STOPPING: 0, STOPPED: 0 },
      recovering: 0,
      queuedStarts: 0,
      leaks: 0,
      infrastructures: ["fake"],
    };
  }

  validate(config: unknown) {
    if ((config as { name?: unknown } | null)?.name === undefined)
      throw new TroupeError("CONFIG_INVALID", "Cannot use it");
    return [{ code: 5001, message: "no memory limit" }];
  }

  subscribe(topic: { readonly workspace: string } | "all", options?: SubscribeOptions) {
    return this.hub.subscribe(topic === "all" ? "all" : { workspaceId: this.get(topic.workspace).id }, options);
  }

  async suspend(): Promise<void> {
    this.isClosing = true;
    this.hub.close();
  }

  terminate(): Promise<void> {
    return this.suspend();
  }

  #find(key: string): WorkspaceView | undefined {
    const byId = this.source.view(key);
    if (byId !== undefined) return byId;
    return this.source
      .views({ limit: 1_000 })
      .rows.find(({ name, owner }) => name === key || `${owner}/${name}` === key);
  }
}
