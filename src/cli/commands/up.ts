import { type ChannelUpdate, createClient, type TroupeClient } from "../../client/index.ts";
import { type ServeFlags, serveConfig } from "../../config.ts";
import { TroupeError } from "../../errors.ts";
import type { WorkspaceView } from "../../model/workspace.ts";
import type { ClientContext } from "../context.ts";
import { type Display, documentDisplay, jsonDisplay, lineDisplay, treeDisplay } from "../display.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Interruption } from "../host.ts";
import { removeReadyFile, writeReadyFile } from "../ready-file.ts";
import { serverLogger } from "../server-logger.ts";
import { phaseOf, watch } from "../watch.ts";
import { readWorkspaceFile } from "../workspace-file.ts";

interface UpFlags extends ServeFlags {
  readonly detach?: boolean;
  readonly once?: boolean;
  readonly serve?: boolean;
}

/**
 * Creates or updates the workspace, starts it and shows it.
 *
 * The first interruption stops it, the second by force, the third gives up at once.
 */
export async function up(context: ClientContext, file: string, flags: UpFlags): Promise<ExitCode> {
  const config = await readWorkspaceFile(file);
  if (flags.serve !== true) return bringUp(context, context.client, config, flags);

  const { openServer } = await import("../serve.ts");
  // The tree tells what happens; of the server only what is out of order.
  const serving = serveConfig({ logLevel: "warn", ...flags }, context.host.env);
  const server = await openServer(serving, serverLogger(serving.logLevel, context));
  try {
    const { url, outputUrl, token } = server;
    await writeReadyFile(serving.readyFile, server);
    const client = createClient({ url, outputUrl, ...(token === undefined ? {} : { token }) });
    return await bringUp(context, client, config, flags);
  } finally {
    await removeReadyFile(serving.readyFile);
    await server.close(serving.onExit);
  }
}

async function bringUp(
  context: ClientContext,
  client: TroupeClient,
  config: object,
  flags: UpFlags,
): Promise<ExitCode> {
  const workspace = await createOrUpdate(client, config);
  const display = displayFor(context, flags);
  const lost = new AbortController();
  const stopping = stopOnInterrupt(context, client, workspace, display, lost);
  const updates = client.channel({
    topic: "workspace",
    workspace: workspace.id,
    policy: display.policy,
    signal: lost.signal,
  });
  try {
    // Subscribed before it starts, so that no transition is missed.
    await updates.next();
    const begun = await client.start(workspace.id);
    return await follow(client, begun, updates, display, flags, stopping);
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error;
  } finally {
    await updates.return();
    stopping.release();
    display.close();
  }
}

/** The workspace of the file's name, with the file's config. */
async function createOrUpdate(client: TroupeClient, config: object): Promise<WorkspaceView> {
  try {
    return await client.create(config);
  } catch (error) {
    const name = (config as { name?: unknown }).name;
    if (!(error instanceof TroupeError) || error.code !== "WORKSPACE_EXISTS" || typeof name !== "string") throw error;
    return client.update(name, config);
  }
}

function displayFor(context: ClientContext, flags: UpFlags): Display {
  if (context.isJson) return flags.detach || flags.once ? documentDisplay(context) : jsonDisplay(context);
  return context.terminal.isInteractive ? treeDisplay(context) : lineDisplay(context);
}

interface Stopping {
  /** What asked for it; `undefined` as long as nobody did. */
  readonly by: Interruption | "once" | undefined;
  /** Resolves when the server has answered what was sent until now. */
  readonly answered: Promise<void>;
  begin(by: Interruption | "once"): void;
  release(): void;
}

function stopOnInterrupt(
  { host }: ClientContext,
  client: TroupeClient,
  { id, name }: WorkspaceView,
  display: Display,
  lost: AbortController,
): Stopping {
  let by: Interruption | "once" | undefined;
  let interruptions = 0;

  let answered = Promise.resolve();
  const stop = (force: boolean) => {
    const sent = client.stop(id, { force }).then(
      () => {},
      (error: unknown) => lost.abort(error),
    );
    answered = answered.then(() => sent);
  };
  const release = host.onInterrupt((signal) => {
    interruptions += 1;
    by = signal;
    if (interruptions === 1) display.say([`Stopping ${name}; once more ends it by force`]);
    else if (interruptions === 2) display.say([`Ending ${name} by force; once more waits no longer`]);
    else return host.exit(exitCodeOf(signal));
    stop(interruptions > 1);
  });
  return {
    get by() {
      return by;
    },
    get answered() {
      return answered;
    },
    begin(reason) {
      by = reason;
      stop(false);
    },
    release,
  };
}

/** A stop that came before the start changed nothing. One that came after it must not be said twice: that would force it. */
async function stopAgainIfTooEarly(client: TroupeClient, { id }: WorkspaceView, stopping: Stopping): Promise<void> {
  await stopping.answered;
  const { desired } = await client.get(id);
  if (desired === "running" && stopping.by !== undefined) stopping.begin(stopping.by);
}

/** Follows one start until it is over, or as far as was asked. */
async function follow(
  client: TroupeClient,
  begun: WorkspaceView,
  updates: AsyncIterable<ChannelUpdate>,
  display: Display,
  flags: UpFlags,
  stopping: Stopping,
): Promise<ExitCode> {
  const instanceId = begun.nextInstanceId ?? begun.instanceId;
  let wasRunning = false;
  // Interrupted before there was anything to stop.
  if (stopping.by !== undefined) await stopAgainIfTooEarly(client, begun, stopping);

  for await (const view of watch(client, begun, updates, display)) {
    const phase = phaseOf(view, instanceId);
    if (phase === "over") return outcomeOf(view, display, stopping.by);
    if (phase === "starting" || wasRunning) continue;

    wasRunning = true;
    if (flags.detach === true) return exitCodes.ok;
    if (flags.once === true) stopping.begin("once");
    else display.say([`${view.name} is RUNNING; Ctrl-C stops it`]);
  }
  return exitCodes.failed;
}

function outcomeOf(view: WorkspaceView, display: Display, stoppedBy: Interruption | "once" | undefined): ExitCode {
  if (view.failure !== null) {
    display.say([{ text: "failed: ", style: "red" }, view.failure.message]);
    return exitCodes.workspaceFailed;
  }
  if (stoppedBy === "once") return exitCodes.ok;
  if (stoppedBy !== undefined) return exitCodeOf(stoppedBy);
  display.say([`${view.name} was stopped${view.stopReason === null ? "" : `: ${view.stopReason.message}`}`]);
  // It may have run, and ended, between two looks at it.
  return view.readyAt !== null || view.stopReason?.by === "completed" ? exitCodes.ok : exitCodes.failed;
}

function exitCodeOf(signal: Interruption): ExitCode {
  return signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated;
}
