/**
 * What a person has asked the host for from the panel, and how that stands.
 *
 * Contract: the change of the model that shows an answer may come before the answer. Whichever comes first settles it.
 */
import {
  eventPage,
  runDetails,
  type EventPage,
  type PanelRun,
  type PanelWorkflow,
  type RunDetails,
} from '../src/shared/protocol';
import type { Asked } from './advance';
import { l10n } from './l10n';
import type { Reply } from './link';
import type { Wish } from './parts';

/** The host, who hears what is said, and who draws. */
export interface Asking {
  request(wish: Wish): Promise<Reply> | undefined;
  say(text: string): void;
  redraw(): void;
}

export class Requests {
  #told: string | null = null;
  readonly #advances = new Map<string, Asked>();
  #details: { readonly of: string; readonly data: RunDetails } | null = null;
  #detailsAsked = '';

  constructor(private readonly asking: Asking) {}

  /** The last refusal or fault, until it is dismissed. */
  get told(): string | null {
    return this.#told;
  }

  dismiss(): void {
    this.#tell(null);
  }

  async do(wish: Wish): Promise<void> {
    const reply = await this.asking.request(wish);
    if (!reply) return;
    if (!reply.ok) {
      const why = reply.message ?? l10n.t('It was not done.');
      this.#tell(why);
      this.asking.say(why);
      return;
    }
    if (wish.type === 'copy') this.asking.say(l10n.t('Copied'));
    else this.#tell(null);
    if (reply.message !== undefined) this.asking.say(reply.message);
  }

  /* ---------------------------------------------------------------- to go on to the next wave */

  advanceOf(workflow: string): Asked | undefined {
    return this.#advances.get(workflow);
  }

  async advance({ key, wave }: PanelWorkflow): Promise<void> {
    const asked = this.asking.request({ type: 'advance', workflow: key, seen: wave });
    if (!asked) return;
    this.#advances.set(key, { state: 'pending' });
    this.asking.redraw();
    const reply = await asked;
    if (reply.ok) {
      // A change that shows the new wave usually came first and has settled this already.
      if (this.#advances.get(key)?.state === 'pending') this.settle(key);
      return;
    }
    const why = reply.message ?? l10n.t('The wave was not advanced');
    this.#advances.set(key, { state: 'refused', why });
    this.asking.say(why);
    this.asking.redraw();
  }

  /** The workflow is elsewhere by now: what was asked of it before says nothing any more. */
  settle(workflow: string): void {
    this.#advances.delete(workflow);
    this.asking.redraw();
  }

  /* ---------------------------------------------------------------- to know more */

  detailsOf(run: string | undefined): RunDetails | undefined {
    return this.#details?.of === run ? this.#details?.data : undefined;
  }

  /** Asks again whenever the run is another or has moved. */
  async lookAt(run: PanelRun | null | undefined, store: string | undefined): Promise<void> {
    if (!run || store === undefined) {
      this.#detailsAsked = '';
      return;
    }
    const asked = `${run.id} ${run.status} ${run.leaseUntil} ${run.stop}`;
    if (this.#detailsAsked === asked) return;
    this.#detailsAsked = asked;
    const reply = await this.asking.request({ type: 'details', store, run: run.id });
    const data = runDetails.safeParse(reply?.data);
    if (!reply?.ok || !data.success) return;
    this.#details = { of: run.id, data: data.data };
    this.asking.redraw();
  }

  /** Events from before this one; null when they cannot be had now. */
  async older(store: string, before: number): Promise<EventPage | null> {
    const reply = await this.asking.request({ type: 'events', store, before, limit: 500 });
    const page = eventPage.safeParse(reply?.data);
    return reply?.ok && page.success ? page.data : null;
  }

  #tell(text: string | null): void {
    if (this.#told === text) return;
    this.#told = text;
    this.asking.redraw();
  }
}
