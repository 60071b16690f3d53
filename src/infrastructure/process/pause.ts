/** Waits `ms` milliseconds. Rejects with the signal's reason as soon as it aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Waits that grow by half each time: soon after something began it is worth looking often. */
export function* growing(fromMs: number, toMs: number): Generator<number, never> {
  for (let ms = fromMs; ; ms = Math.min(ms * 1.5, toMs)) yield ms;
}

/** Looks again and again until `look` finds something, after waits that grow from `fromMs` to `toMs`. */
export async function poll<T>(
  look: () => T | null | Promise<T | null>,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  signal: AbortSignal,
): Promise<T> {
  for (const ms of growing(fromMs, toMs)) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    await pause(ms, signal);
  }
  throw new Error("unreachable");
}

/** Settles as `promise` does, or rejects with the signal's reason if that comes first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
