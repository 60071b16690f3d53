import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { answers, HealthAnswer, Leaks } from "./answers.ts";
import type { ApiOptions } from "./api-options.ts";

/** What is about the server rather than about a workspace. */
export function serverRoutes(untyped: FastifyInstance, { supervisor, metrics, outputUrl, closing }: ApiOptions): void {
  const app = untyped.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/health",
    {
      schema: {
        summary: "How the server is; needs no token",
        security: [],
        response: { 200: HealthAnswer, 503: HealthAnswer },
      },
    },
    async (request, reply) => {
      const health = supervisor.health();
      const status = closing.aborted ? "closing" : health.status;
      return reply
        .status(status === "ok" ? 200 : 503)
        .send({ ...health, status, outputUrl: outputUrl(request.hostname) });
    },
  );

  app.get(
    "/v1/leaks",
    { schema: { summary: "What could not be removed yet", response: answers(200, Leaks) } },
    async () => ({
      leaks: supervisor.leaks(),
    }),
  );

  app.get("/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());

  app.get("/metrics", { schema: { summary: "Metrics, as text for Prometheus" } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
