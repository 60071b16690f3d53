import type { FastifyReply } from "fastify";
import { TroupeError } from "../../errors.ts";

/**
 * Runs a request that may take long with a signal that aborts when its client leaves or the server closes.
 *
 * Settles with the signal at the latest, whether or not `work` listens to it.
 */
export async function untilGone<Answer>(
  reply: FastifyReply,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const gone = new AbortController();
  const leave = () => gone.abort(new TroupeError("REQUEST_INVALID", "Cannot answer: the client has left"));
  const close = () => gone.abort(new TroupeError("SUPERVISOR_CLOSED", "Cannot answer: the server is going away"));
  reply.raw.once("close", leave);
  closing.addEventListener("abort", close);
  if (closing.aborted) close();
  try {
    return await Promise.race([work(gone.signal), aborted(gone.signal)]);
  } finally {
    reply.raw.off("close", leave);
    closing.removeEventListener("abort", close);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
