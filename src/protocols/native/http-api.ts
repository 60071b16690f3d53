import swagger from "@fastify/swagger";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  validatorCompiler,
} from "fastify-type-provider-zod";
import { parseWorkspaceFile } from "../../environment/workspace-file.ts";
import { TroupeError } from "../../errors.ts";
import type { Access } from "./access.ts";
import { namedSchemas } from "./answers.ts";
import type { ApiOptions } from "./api-options.ts";
import { PROBLEM_TYPE, problemDocument, troupeErrorOf } from "./problem.ts";
import { serverRoutes } from "./server-routes.ts";
import { workspaceRoutes } from "./workspace-routes.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** In milliseconds: for the head of a request, and for all of it. */
export const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** The HTTP face of a supervisor: parses, calls it, answers. No decisions here. */
export async function httpApi(options: ApiOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.logger,
    // Its request log has whole URLs; ours are in the hook below, without queries.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    // The schemas refuse such keys themselves, by their paths; the framework would only say that this is no JSON.
    onProtoPoisoning: "ignore",
    onConstructorPoisoning: "ignore",
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: 1_000 },
    // Paths that cannot be read at all: they are answered before there is a route, and so before any hook.
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
  });
  app.setValidatorCompiler(validatorCompiler);
  // The types say what is answered; checking it again would cost time and could only lose an answer.
  app.setSerializerCompiler(() => JSON.stringify);
  app.addContentTypeParser(
    ["application/yaml", "application/x-yaml", "text/yaml"],
    { parseAs: "string" },
    (_request, text, done) => done(null, parseWorkspaceFile(text.toString())),
  );
  answerErrors(app);
  await describe(app);
  guard(app, options.access);
  app.addHook("onSend", async (_request, reply) => {
    // A connection that is kept alive would hold up the close.
    if (options.closing.aborted) void reply.header("connection", "close");
  });
  app.addHook("onResponse", async ({ method, routeOptions, log }, { statusCode, elapsedTime }) => {
    log.debug({ method, route: routeOptions.url, statusCode, elapsedMs: elapsedTime }, "answered");
  });

  workspaceRoutes(app, options);
  serverRoutes(app, options);
  return app;
}

/** Routes that anybody may ask: a load balancer has no token. */
const OPEN_ROUTES = ["/v1/health"];

function guard(app: FastifyInstance, access: Access): void {
  app.addHook("onRequest", async ({ headers, routeOptions }, reply) => {
    // Answers are about now, and about what not everybody may see.
    void reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    access.checkOrigin(headers);
    if (!OPEN_ROUTES.includes(routeOptions.url ?? "")) access.checkToken(headers);
  });
}

function answerErrors(app: FastifyInstance): void {
  app.setNotFoundHandler(({ method, url }) => {
    throw new TroupeError("NOT_FOUND", `Cannot answer ${method} ${url.split("?", 1)[0]}: there is no such resource`);
  });
  app.setErrorHandler(answerError);
}

function answerError(error: unknown, { log }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = troupeErrorOf(error);
  if (known.class === "internal") log.error({ err: error }, "request failed");
  if (known.status === 401) void reply.header("www-authenticate", "Bearer");
  // The framework would close the connection, and a client that still sends could then not read why it is refused. What
  // it sends is dropped, for as long as any request may take.
  if (known.status === 413) void reply.header("connection", "keep-alive");
  return reply
    .status(known.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemDocument(known)));
}

async function describe(app: FastifyInstance): Promise<void> {
  const schemaRegistry = namedSchemas();
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "troupe", version: "1" },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry }),
  });
}
