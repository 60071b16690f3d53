import { Counter, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

/** From a process that is up at once to an image that must be fetched first. In seconds. */
const START_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/**
 * All that is measured, each name once, in a registry of its own: several supervisors in one process do not mix.
 *
 * Labels take few values: no label is a workspace's name, an owner's, or anything else that users make up.
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];

  return {
    registry,
    transitions: new Counter({
      name: "troupe_transitions_total",
      help: "Transitions of charts, by the kind of actor (workspace, machine, installer, server) and its status after it.",
      labelNames: ["kind", "status"],
      registers,
    }),
    starts: new Counter({
      name: "troupe_starts_total",
      help: "Starts of workspaces that are over, by outcome: running, failed or interrupted.",
      labelNames: ["outcome"],
      registers,
    }),
    startDuration: new Histogram({
      name: "troupe_start_duration_seconds",
      help: "From the command to RUNNING, of starts that got there.",
      buckets: START_BUCKETS,
      registers,
    }),
    queuedStarts: new Gauge({
      name: "troupe_queued_starts",
      help: "Starts that wait for admission.",
      registers,
    }),
    runningStarts: new Gauge({
      name: "troupe_running_starts",
      help: "Starts that were admitted and are under way.",
      registers,
    }),
    workspaces: new Gauge({
      name: "troupe_workspaces",
      help: "Workspaces, by status.",
      labelNames: ["status"],
      registers,
    }),
    machineRestarts: new Counter({
      name: "troupe_machine_restarts_total",
      help: "Machines that ended and were started again.",
      registers,
    }),
    eventsPublished: new Counter({
      name: "troupe_events_published_total",
      help: "Events that were committed and told to channels.",
      registers,
    }),
    subscribers: new Gauge({
      name: "troupe_subscribers",
      help: "Open subscriptions to status channels.",
      registers,
    }),
    connections: new Gauge({
      name: "troupe_connections",
      help: "Open WebSockets, by listener: status or output.",
      labelNames: ["listener"],
      registers,
    }),
    slowConnections: new Counter({
      name: "troupe_slow_connections_total",
      help: "WebSockets that were closed because their peer did not read.",
      registers,
    }),
    leaks: new Gauge({
      name: "troupe_leaks",
      help: "Resources that could not be removed yet.",
      registers,
    }),
  };
}
