/** Settles as `work` does, or rejects with `signal.reason` as soon as `signal` aborts: then the work goes on unwatched. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort)); // its outcome is this promise's
  });
}
