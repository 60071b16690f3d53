import { Command, CommanderError, Option } from "commander";
import { defaults, infrastructureNames, logLevels, onExits } from "../config.ts";
import { TroupeError } from "../errors.ts";
import { version } from "../version.ts";
import { changeArgument, conditionArgument, countArgument, durationArgument, portArgument } from "./arguments.ts";
import type { ClientContext, CommonFlags, Context } from "./context.ts";
import { type ExitCode, exitCodeHelp, exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";

/** A command's work. What it resolves to is the exit code; nothing means that all went well. */
type Work<C extends Context, Args extends unknown[]> = (context: C, ...args: Args) => Promise<ExitCode | undefined>;

/** Runs one command line and resolves to its exit code. Rejects for nothing. */
export async function run(args: readonly string[], host: Host): Promise<number> {
  let code: ExitCode = exitCodes.ok;
  const program = troupe(host, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { tellError } = await import("./tell-error.ts");
    return tellError(host, error);
  }
}

/**
 * The command line. Each command loads its code when it is run, so that help is there at once.
 */
function troupe(host: Host, finish: (code: ExitCode) => void): Command {
  const program = new Command("troupe")
    .description("Runs workspaces: groups of machines with installers, servers and volumes.")
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
    })
    .showHelpAfterError("(--help tells more)")
    .addHelpText("after", exitCodeHelp);

  const onServer = <Args extends unknown[]>(load: () => Promise<Work<ClientContext, Args>>) =>
    action<ClientContext, Args>(load, async (flags) => {
      const { clientContextOf } = await import("./context.ts");
      return clientContextOf(host, flags);
    });
  const onHost = <Args extends unknown[]>(load: () => Promise<Work<Context, Args>>) =>
    action<Context, Args>(load, async (flags) => {
      const { contextOf } = await import("./context.ts");
      return contextOf(host, flags);
    });

  function action<C extends Context, Args extends unknown[]>(
    load: () => Promise<Work<C, Args>>,
    contextOf: (flags: CommonFlags) => Promise<C>,
  ): (...given: unknown[]) => Promise<void> {
    // Commander gives the arguments, the flags, and the command itself.
    return async (...given) => {
      const command = given.pop() as Command;
      const context = await contextOf(command.opts<CommonFlags>()).catch((error: unknown) => {
        if (error instanceof TroupeError) command.error(`error: ${error.message}`);
        throw error;
      });
      const work = await load();
      finish((await work(context, ...(given as Args))) ?? exitCodes.ok);
    };
  }

  serveOptions(program.command("serve").description("run a server until it is told to end"))
    .option("--json", "write where it listens as JSON")
    .action(onHost(async () => (await import("./commands/serve.ts")).serve));

  const up = program
    .command("up")
    .description("create or update a workspace, start it and show it until Ctrl-C, which stops it")
    .argument("<file>", "workspace file (YAML or JSON)")
    .option("-d, --detach", "return once it runs")
    .addOption(new Option("--once", "stop it once it runs").conflicts("detach"))
    .addOption(
      new Option("--serve", "run a server in this process, for the time of the command").conflicts(["detach", "url"]),
    )
    .option("--url <url>", `server (TROUPE_URL; default ${defaults.url})`)
    .option("--json", "write JSON lines: what happens; with --detach or --once one document: the workspace");
  serveOptions(up).action(onServer(async () => (await import("./commands/up.ts")).up));

  clientCommand("create", "create a workspace without starting it")
    .argument("<file>", "workspace file (YAML or JSON)")
    .option("--owner <owner>", "whose it is")
    .action(onServer(async () => (await import("./commands/create.ts")).create));

  clientCommand("start", "start a workspace")
    .argument("<workspace>", "id, name, or owner/name")
    .option("--environment <name>", "which of its environments")
    .action(onServer(async () => (await import("./commands/start.ts")).start));

  clientCommand("stop", "stop a workspace; a second time: by force")
    .argument("<workspace>", "id, name, or owner/name")
    .option("--force", "end its machines at once")
    .action(onServer(async () => (await import("./commands/stop.ts")).stop));

  clientCommand("list", "list workspaces")
    .option("--owner <owner>", "only of this owner")
    .addOption(
      new Option("--status <status>", "only in this status").choices(["STARTING", "RUNNING", "STOPPING", "STOPPED"]),
    )
    .action(onServer(async () => (await import("./commands/list.ts")).list));

  clientCommand("status", "show a workspace with its machines, installers and servers")
    .argument("<workspace>", "id, name, or owner/name")
    .action(onServer(async () => (await import("./commands/status.ts")).status));

  clientCommand("wait", "wait until something is so")
    .argument("<workspace>", "id, name, or owner/name")
    .requiredOption(
      "--for <condition>",
      "running, stopped, MACHINE/SERVER=running or MACHINE/SERVER=stopped",
      conditionArgument,
    )
    .option("--timeout <duration>", "how long at most", durationArgument, 60_000)
    .action(onServer(async () => (await import("./commands/wait.ts")).wait));

  clientCommand("logs", "show what a workspace's machines wrote")
    .argument("<workspace>", "id, name, or owner/name")
    .option("-f, --follow", "go on as more is written")
    .option("--since <when>", "a duration (10s: of the last ten seconds) or a cursor (from --json)")
    .option("--machine <name>", "only of this machine")
    .option("--tail <lines>", "at most so many lines of each stream before the end", countArgument)
    .option("--installers", "with what installers wrote")
    .option("--raw", "control characters as they are; they may act on your terminal")
    .action(onServer(async () => (await import("./commands/logs.ts")).logs));

  clientCommand("events", "show what happened to a workspace")
    .argument("<workspace>", "id, name, or owner/name")
    .option("-f, --follow", "go on as more happens")
    .option("--since <cursor>", "only what came after (from --json)")
    .action(onServer(async () => (await import("./commands/events.ts")).events));

  clientCommand("why", "say why a workspace is as it is")
    .argument("<workspace>", "id, name, or owner/name")
    .action(onServer(async () => (await import("./commands/why.ts")).why));

  clientCommand("export", "write what happened to a workspace, without secrets, into a file for `troupe replay`")
    .argument("<workspace>", "id, name, or owner/name")
    .option("--instance <id>", "only of this instance")
    .option("-o, --output <file>", "where to write it (default: standard output)")
    .action(onServer(async () => (await import("./commands/export.ts")).exportWorkspace));

  program
    .command("replay")
    .description("go through what happened: an incident of `troupe export`, or the script of a failed exploration")
    .argument("<file>", "incident or script")
    .option(
      "--what-if <change>",
      "what would have followed: stop@17 (after event 17), force@, start@, deadline@, crash:MACHINE@",
      changeArgument,
    )
    .option("--json", "write JSON lines: each step; with --what-if one document")
    .action(onHost(async () => (await import("./commands/replay.ts")).replay));

  clientCommand("leaks", "list what could not be removed yet").action(
    onServer(async () => (await import("./commands/leaks.ts")).leaks),
  );

  clientCommand("delete", "stop a workspace if need be, and remove it with its volumes")
    .argument("<workspace>", "id, name, or owner/name")
    .action(onServer(async () => (await import("./commands/delete.ts")).deleteWorkspace));

  clientCommand("validate", "check a workspace file")
    .argument("<file>", "workspace file (YAML or JSON)")
    .action(onServer(async () => (await import("./commands/validate.ts")).validate));

  const charts = program.command("charts").description("show the statecharts that everything runs by");
  const chartOption = () =>
    new Option("--chart <name>", "only this one").choices(["workspace", "machine", "installer", "server"]);
  charts
    .command("draw")
    .description("draw them, as Mermaid state diagrams")
    .addOption(chartOption())
    .option("--json", "write JSON")
    .action(onHost(async () => (await import("./commands/charts.ts")).draw));
  charts
    .command("matrix")
    .description("say what becomes of every interruption in every state")
    .addOption(chartOption())
    .option("--json", "write JSON")
    .addOption(new Option("--markdown", "write the document machines/MATRIX.md").conflicts("json"))
    .action(onHost(async () => (await import("./commands/charts.ts")).matrix));

  return program;

  function clientCommand(name: string, description: string): Command {
    return program
      .command(name)
      .description(description)
      .option("--url <url>", `server (TROUPE_URL; default ${defaults.url})`)
      .option("--token <token>", "its token (better: TROUPE_TOKEN, which no list of processes shows)")
      .option("--json", "write JSON");
  }
}

/** What `serve` and `up --serve` both take. */
function serveOptions(command: Command): Command {
  return command
    .option("--host <address>", `where to listen (default ${defaults.host})`)
    .option("--port <port>", `for the API; 0: any free one (default ${defaults.port})`, portArgument)
    .option("--output-port <port>", `for output; 0: any free one (default ${defaults.outputPort})`, portArgument)
    .option("--data-dir <directory>", `where everything is kept (TROUPE_DATA_DIR; default ${defaults.dataDir})`)
    .addOption(new Option("--infrastructure <name>", "what runs machines").choices(infrastructureNames))
    .option("--installers <directory>", "installers that workspaces may name")
    .option(
      "--token <token>",
      "what clients must send (better: TROUPE_TOKEN; default: made and kept in the data directory)",
    )
    .option("--no-token", "let everybody in who is on this computer")
    .option("--ready-file <file>", "write url, outputUrl, pid and token there once all is ready")
    .addOption(new Option("--log-level <level>", "what is logged to stderr").choices(logLevels))
    .option("--concurrent-starts <count>", "starts that are under way at the same time", countArgument)
    .option("--running-per-owner <count>", "workspaces of one owner that are not stopped", countArgument)
    .addOption(new Option("--on-exit <what>", "what becomes of running machines: they go on, or end").choices(onExits));
}
