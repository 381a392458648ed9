/**
 * What has happened in a store, newest first. At the top the list follows; scrolled down it stands still, however much
 * arrives. Older events are fetched page by page when somebody comes near the end.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { PanelEvent } from '../src/shared/protocol';
import { dateAndTime, l10n, number, timeWithSeconds } from './l10n';
import { detailOf, glyphOf, groupOf, type EventGroup } from './eventView';
import type { Model } from './model';
import { agentGlyphs, blank, focusLost, glyph, nothingMatches, SelectEvent } from './parts';
import { Rows, type RowSource } from './rows';
import { keyOfRun } from './model';

export const eventRowHeight = 22;

export class Events extends LitElement {
  static override properties = {
    model: { attribute: false },
    store: { attribute: false },
    text: { attribute: false },
    unseen: { attribute: false },
    version: { attribute: false },
    older: { attribute: false },
    follow: { state: true },
    stop: { state: true },
  };
  declare model: Model;
  declare store: string;
  declare text: string;
  declare unseen: ReadonlySet<string>;
  declare version: unknown;
  /** Fetches the page before this seq; resolves when it is in the model. */
  declare older: (store: string, before: number) => Promise<boolean>;
  declare follow: boolean;
  /** The seq that Tab reaches. */
  declare stop: number | null;

  #list: PanelEvent[] = [];
  #of: { readonly events: readonly PanelEvent[]; readonly filter: string } | undefined;
  #seen = 0;
  #loading = false;
  #failed = false;
  #held = 0;

  constructor() {
    super();
    this.text = '';
    this.unseen = new Set();
    this.follow = true;
    this.stop = null;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener(
      'scroll',
      (event) => {
        if (event.target instanceof Rows) this.follow = event.target.scrollTop < eventRowHeight;
      },
      true,
    );
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  focusFirst(): boolean {
    this.#awaited = this.#list.length === 0;
    return this.#focus(this.#indexOf(this.stop) >= 0 ? this.#indexOf(this.stop) : 0);
  }

  /** The focus was wanted before there was anything to take it. */
  #awaited = false;

  /** Follow again, or hold where it is. */
  toggleFollow(): void {
    this.follow = !this.follow;
    if (this.follow && this.#rows) this.#rows.scrollTop = 0;
  }

  get #rows(): Rows | null {
    return this.querySelector<Rows>('wl-rows');
  }

  /** Newest first, of a list that is kept oldest first. */
  #at(index: number): PanelEvent | undefined {
    return this.#list[this.#list.length - 1 - index];
  }

  #indexOf(seq: number | null): number {
    if (seq === null) return -1;
    let low = 0;
    let high = this.#list.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = this.#list[middle]?.seq ?? 0;
      if (at === seq) return this.#list.length - 1 - middle;
      if (at < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #focus(index: number): boolean {
    const event = this.#at(index);
    if (!event) return false;
    this.stop = event.seq;
    this.#rows?.reveal(index);
    void this.updateComplete.then(async () => {
      await this.#rows?.updateComplete;
      this.querySelector<HTMLElement>(`[data-seq="${event.seq}"]`)?.focus({ preventScroll: true });
    });
    return true;
  }

  #key(event: KeyboardEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-seq]');
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = this.#indexOf(Number(row.dataset['seq']));
    const page = Math.max(1, Math.floor((this.#rows?.clientHeight ?? 0) / eventRowHeight) - 1);
    const to = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: Math.min(this.#list.length - 1, index + page),
      PageUp: Math.max(0, index - page),
      Home: 0,
      End: this.#list.length - 1,
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this.#focus(to);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      this.#open(this.#at(index));
    }
  }

  #open(event: PanelEvent | undefined): void {
    const run = event?.run && this.model.rows.get(this.store)?.runs.get(event.run);
    if (!run) return;
    for (const scope of this.model.scopes.values()) {
      const key = keyOfRun(scope, run);
      if (scope.store === this.store && scope.items.get(key)?.run?.root === run.root) {
        this.dispatchEvent(new CustomEvent('wl-scope', { bubbles: true, detail: scope.key }));
        this.dispatchEvent(new SelectEvent(key));
        return;
      }
    }
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('store')) this.#failed = false;
    const before = this.#list.length;
    const wasOf = this.#of;
    this.#collect();
    // What has come above is not to move what is read.
    if (!this.follow && wasOf === this.#of) this.#held += this.#list.length - before;
    this.#focused = this.contains(document.activeElement) && document.activeElement !== this;
  }
  #focused = false;

  /** Appends what is new; all anew only when older ones came or the filter is another. */
  #collect(): void {
    const events = this.model.rows.get(this.store)?.events ?? [];
    const filter = `${this.text}\0${[...this.unseen].join()}`;
    const same = this.#of?.events === events && this.#of.filter === filter;
    if (!same || this.#seen > events.length) {
      this.#of = { events, filter };
      this.#list = [];
      this.#seen = 0;
    }
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    for (; this.#seen < events.length; this.#seen += 1) {
      const event = events[this.#seen];
      if (event && this.#matches(event, words)) this.#list.push(event);
    }
  }

  #matches(event: PanelEvent, words: readonly string[]): boolean {
    if (this.unseen.has(groupOf(event.kind))) return false;
    if (words.length === 0) return true;
    const said =
      `${event.seq}\n${event.kind}\n${event.agent}\n${event.subject}\n${detailOf(event)}`.toLowerCase();
    return words.every((word) => said.includes(word));
  }

  protected override updated(): void {
    const rows = this.#rows;
    if (rows && this.#held > 0) rows.scrollTop += this.#held * eventRowHeight;
    this.#held = 0;
    if (this.#focused && focusLost()) this.focusFirst();
    if (this.#awaited && this.#list.length > 0) {
      this.#awaited = false;
      if (document.activeElement?.contains(this) === true) this.focusFirst();
    }
    const from = this.model.rows.get(this.store)?.eventsFrom ?? 0;
    const seen = rows ? rows.scrollTop + rows.clientHeight : 0;
    const nearEnd = seen > (this.#list.length - 60) * eventRowHeight;
    if (from > 1 && nearEnd && !this.#loading && !this.#failed) void this.#fetch(from);
  }

  async #fetch(before: number): Promise<void> {
    this.#loading = true;
    try {
      this.#failed = !(await this.older(this.store, before));
    } finally {
      this.#loading = false;
      this.requestUpdate();
    }
  }

  protected override render(): TemplateResult {
    const rows = this.model.rows.get(this.store);
    const complete = (rows?.eventsFrom ?? 0) <= 1;
    if (this.#list.length === 0 && (complete || this.#failed)) {
      if ((rows?.events.length ?? 0) > 0) {
        return nothingMatches(() =>
          this.dispatchEvent(new CustomEvent('wl-showall', { bubbles: true })),
        );
      }
      return blank(
        'history',
        l10n.t('Nothing has happened yet'),
        l10n.t(
          'Each run, lock, file and setting that changes is told here, in one order for all windows and agents.',
        ),
      );
    }
    const stop = this.#indexOf(this.stop) >= 0 ? this.#indexOf(this.stop) : 0;
    const source: RowSource = {
      count: this.#list.length,
      size: eventRowHeight,
      pinned: [stop],
      keyOf: (index) => String(this.#at(index)?.seq ?? index),
      draw: (index, style) => this.#row(index, style, index === stop),
    };
    return html`<div class="table events">
      <div class="theads egrid dim" aria-hidden="true">
        <span class="r">${l10n.t('Seq')}</span><span>${l10n.t('Time')}</span
        ><span>${l10n.t('Actor')}</span><span>${l10n.t('Event')}</span
        ><span>${l10n.t('Subject')}</span><span>${l10n.t('Detail')}</span>
      </div>
      <wl-rows
        class="tbody"
        role="grid"
        aria-label=${l10n.t('Events, newest first')}
        aria-rowcount=${source.count}
        @scroll=${() => {
          this.requestUpdate();
        }}
        .source=${source}
      ></wl-rows>
      ${
        complete
          ? nothing
          : html`<p class="sumline dim" role="status">
              ${
                this.#failed
                  ? l10n.t('Older events cannot be had now')
                  : l10n.t('{0} loaded; older ones as you scroll', rows?.events.length ?? 0)
              }
            </p>`
      }
    </div>`;
  }

  #row(index: number, style: string, isStop: boolean): TemplateResult {
    const event = this.#at(index);
    if (!event) return html``;
    const { seq, at, kind, agent, subject } = event;
    const [icon, hue] = glyphOf(kind);
    const agentKind = this.model.rows.get(this.store)?.agents.get(agent)?.kind;
    const detail = detailOf(event);
    return html`<div
      class="vrow erow egrid"
      role="row"
      tabindex=${isStop ? 0 : -1}
      aria-rowindex=${index + 1}
      data-seq=${seq}
      .style=${style}
      @click=${() => {
        this.stop = seq;
      }}
      @dblclick=${() => {
        this.#open(event);
      }}
    >
      <span role="gridcell" class="num r dim">${number(seq)}</span>
      <span role="gridcell" class="num" title=${dateAndTime(at)}>${timeWithSeconds(at)}</span>
      <span role="gridcell" class="cell" title=${agent}
        >${glyph(agentGlyphs[agentKind ?? (agent.startsWith('window:') ? 'window' : 'other')] ?? 'account')}<span
          class="ell"
          >${agent}</span
        ></span
      >
      <span role="gridcell" class="cell">${glyph(icon, hue)}<span class="ell">${kind}</span></span>
      <span role="gridcell" class="ell ${mono(kind) ? 'mono' : ''}" title=${subject}
        >${subject}</span
      >
      <span role="gridcell" class="ell dim" title=${detail}>${detail}</span>
    </div>`;
  }
}

const mono = (kind: string): boolean => {
  const group: EventGroup = groupOf(kind);
  return group === 'locks' || group === 'files';
};
