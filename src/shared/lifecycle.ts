/** Events and ownership, without any host: the same in the extension, the store thread and the tools. */

export interface Disposable {
  dispose(): void;
}

export type Listener<T> = (value: T) => void;

/** One source of events. A listener that throws does not keep the others from hearing. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<Listener<T>>();

  /** @param onError told of every listener that throws */
  constructor(private readonly onError: (error: unknown) => void) {}

  readonly event = (listener: Listener<T>): Disposable => {
    // Wrapped, so that the same function subscribed twice is two subscriptions.
    const own: Listener<T> = (value) => {
      listener(value);
    };
    this.#listeners.add(own);
    return { dispose: () => void this.#listeners.delete(own) };
  };

  fire(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (error) {
        this.onError(error);
      }
    }
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

/** What one owner has to end, ended in the opposite order of its making, all of it, whatever fails. */
export class Belongings implements Disposable {
  #items: Disposable[] = [];
  #disposed = false;

  add<Item extends Disposable>(item: Item): Item {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    this.#disposed = true;
    const errors: unknown[] = [];
    for (const item of this.#items.splice(0).reverse()) {
      try {
        item.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be ended');
  }
}
