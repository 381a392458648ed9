/**
 * The panel's end of the conversation with the host: messages in, checked and put together to a model; requests out,
 * each with its answer.
 *
 * Contract: what arrives between two frames is one change for those who draw. A number that is missing, or a message
 * that cannot be read, leads to a fresh beginning; what was shown stays on the screen until that is whole.
 */
import { toPanel, type ChangeMessage, type ToHost, type ToPanel } from '../src/shared/protocol';
import { Model, type Moved } from './model';
import type { Wish } from './parts';

export type Reply = Extract<ToPanel, { type: 'reply' }>;

export interface LinkPorts {
  readonly post: (message: ToHost) => void;
  readonly now: () => number;
  /** Calls back before the next frame is drawn. */
  readonly frame: (work: () => void) => void;
  readonly warn: (text: string, error: unknown) => void;
}

export interface LinkListener {
  hello(language: string, words: Readonly<Record<string, string>>): void;
  /** The model is another one. */
  began(model: Model): void;
  /** The model has been carried forward. */
  changed(moved: readonly Moved[]): void;
  /** Host and panel do not understand one another, however often they begin anew. */
  gaveUp(): void;
}

/** Beginning anew more often than this means that it does not help. */
const resyncs = { most: 5, withinMs: 10_000 };
/** Frames are not drawn while the panel is out of sight; what has come by then is taken in all the same. */
const mostQueued = 1_000;

export class Link {
  #model: Model | null = null;
  #loading: Model | null = null;
  #queue: ChangeMessage[] = [];
  #framed = false;
  #resyncs: readonly number[] = [];
  #awaitingBegin = false;
  #lastRequest = 0;
  readonly #waiting = new Map<number, (reply: Reply) => void>();

  constructor(
    private readonly ports: LinkPorts,
    private readonly listener: LinkListener,
  ) {}

  start(): void {
    this.ports.post({ type: 'ready' });
  }

  /** Always answers; a refusal and a fault say why. */
  request(wish: Wish): Promise<Reply> {
    const request = ++this.#lastRequest;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.ports.post({ ...wish, request });
    });
  }

  receive(raw: unknown): void {
    const parsed = toPanel.safeParse(raw);
    if (!parsed.success) {
      this.ports.warn('a message that is not of the protocol was ignored', parsed.error);
      // It may have been a change: what follows would not fit.
      if (isOfFeed(raw)) this.#resync('a message could not be read');
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case 'hello':
        this.listener.hello(message.language, message.words);
        return;
      case 'begin':
        this.#awaitingBegin = false;
        this.#queue = [];
        this.#loading = new Model(message, message.at);
        this.#loading.offset = message.at - this.ports.now();
        return;
      case 'rows':
        if (this.#loading?.epoch === message.epoch) this.#loading.load(message);
        return;
      case 'end':
        if (this.#loading?.epoch !== message.epoch) return;
        this.#loading.end(message.seq);
        this.#model = this.#loading;
        this.#loading = null;
        this.listener.began(this.#model);
        return;
      case 'change':
        // Those of an earlier beginning are over.
        if (this.#awaitingBegin || this.#loading) return;
        this.#queue.push(message);
        if (this.#queue.length > mostQueued) this.#apply();
        else this.#schedule();
        return;
      case 'reply':
        this.#waiting.get(message.request)?.(message);
        this.#waiting.delete(message.request);
        return;
    }
  }

  #schedule(): void {
    if (this.#framed) return;
    this.#framed = true;
    this.ports.frame(() => {
      this.#framed = false;
      this.#apply();
    });
  }

  #apply(): void {
    const model = this.#model;
    const queue = this.#queue;
    this.#queue = [];
    if (!model) return;
    const moved: Moved[] = [];
    for (const message of queue) {
      if (message.epoch !== model.epoch) continue;
      model.offset = message.at - this.ports.now();
      if (model.change(message, (move) => moved.push(move))) continue;
      this.#resync(`change ${message.seq} came after ${model.seq}`);
      break;
    }
    if (queue.length > 0) this.listener.changed(moved);
  }

  #resync(why: string): void {
    if (this.#awaitingBegin) return;
    const now = this.ports.now();
    this.#resyncs = [...this.#resyncs, now].filter((at) => now - at < resyncs.withinMs);
    if (this.#resyncs.length > resyncs.most) {
      this.listener.gaveUp();
      return;
    }
    this.#awaitingBegin = true;
    this.#loading = null;
    this.ports.post({ type: 'resync', why });
  }
}

const feedTypes = new Set(['begin', 'rows', 'end', 'change']);

function isOfFeed(raw: unknown): boolean {
  return (
    typeof raw === 'object' && raw !== null && 'type' in raw && feedTypes.has(String(raw.type))
  );
}
