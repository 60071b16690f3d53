/** Messages that have come and were not yet taken, with their size; one reader. */
export class Inbox<Message> {
  readonly #messages: { readonly message: Message; readonly bytes: number }[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  put(message: Message, bytes: number): void {
    if (this.#ended) return;
    this.#messages.push({ message, bytes });
    this.#bytes += bytes;
    this.#wake?.();
  }

  /** No more will come. What is there can still be taken; then the reader gets `error`, if there is one. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    for (;;) {
      const next = this.#messages.shift();
      if (next !== undefined) {
        this.#bytes -= next.bytes;
        yield next.message;
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
