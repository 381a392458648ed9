/**
 * The body of one wave: its items in groups, as cards abreast or as lines, however many they are. A grid for those who
 * hear it: one cell for each card, one row for each line.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { l10n, number } from './l10n';
import { focusLost, glyph, SayEvent, SelectEvent, stateGlyph } from './parts';
import type { Rows, RowSource } from './rows';
import { ageOf, attemptShare, bucketWord, groupWord, itemWord, noteOf, type Around } from './say';
import { stateOfBucket, titleOf, type Item, type Wave } from './scope';
import { buckets, groups, looks, type Bucket, type Group, type ItemState } from './states';

/** Cards show more of a task, lines more tasks; `list` is for a wave that is not under way. */
export type Layout = 'cards' | 'lines' | 'list';

interface Segment {
  readonly id: Bucket | Group;
  readonly label: string;
  /** Whose glyph stands before the label. */
  readonly glyph: Bucket | null;
  readonly items: readonly Item[];
  /** A row stands below cards, a line in a table, a short one in a narrow list. */
  readonly as: 'card' | 'row' | 'line' | 'short';
  readonly abreast: number;
  readonly folded: boolean;
}

interface Place {
  readonly segment: Segment;
  /** -1 is the heading. */
  readonly row: number;
}

const headHeight = 26;
const lineHeight = 24;
const cardWidth = 264;
const cardGap = 6;
const cardHeight = 51;
const noteHeight = 18;

export class Column extends LitElement {
  static override properties = {
    wave: { attribute: false },
    around: { attribute: false },
    unseen: { attribute: false },
    layout: { attribute: false },
    folded: { attribute: false },
    selected: { attribute: false },
    version: { attribute: false },
    label: { attribute: false },
    abreast: { state: true },
    stop: { state: true },
  };
  declare wave: Wave | undefined;
  declare around: Around;
  declare unseen: ReadonlySet<ItemState>;
  declare layout: Layout;
  /** Groups that are closed. */
  declare folded: ReadonlySet<string>;
  declare selected: string | null;
  declare version: unknown;
  declare label: string;
  declare abreast: number;
  /** The item that Tab reaches. */
  declare stop: string | null;

  #segments: readonly Segment[] = [];
  #size: RowSource['size'] = lineHeight;
  #focused: { readonly key: string; readonly bucket: Bucket } | null = null;
  #resize: ResizeObserver | undefined;

  constructor() {
    super();
    this.unseen = new Set();
    this.layout = 'cards';
    this.folded = new Set();
    this.selected = null;
    this.label = '';
    this.abreast = 2;
    this.stop = null;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener('focusin', (event) => {
      const key = itemElement(event.target)?.dataset['key'];
      if (key !== undefined) this.stop = key;
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize = new ResizeObserver(() => {
      const width = this.clientWidth - 16;
      if (width > 0)
        this.abreast = Math.max(1, Math.floor((width + cardGap) / (cardWidth + cardGap)));
    });
    this.#resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
  }

  /** Puts the focus on an item, wherever it is scrolled to. False when this column has no such item. */
  focusItem(key: string): boolean {
    const index = this.#indexOfKey(key);
    if (index < 0) return false;
    this.stop = key;
    this.#rows?.reveal(index);
    void this.updateComplete.then(async () => {
      await this.#rows?.updateComplete;
      this.#elementOf(key)?.focus({ preventScroll: true });
    });
    return true;
  }

  /** The first item, the last, or the one beside another. */
  focusEdge(edge: 'first' | 'stop' = 'stop'): boolean {
    const key = edge === 'stop' ? (this.#present(this.stop) ?? this.#firstKey()) : this.#firstKey();
    return key !== undefined && this.focusItem(key);
  }

  get #rows(): Rows | null {
    return this.querySelector<Rows>('wl-rows');
  }

  #elementOf(key: string): HTMLElement | null {
    return this.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  }

  #present(key: string | null): string | undefined {
    return key !== null && this.#indexOfKey(key) >= 0 ? key : undefined;
  }

  #firstKey(): string | undefined {
    return this.#segments.find(({ folded, items }) => !folded && items.length > 0)?.items[0]?.key;
  }

  /* ---------------------------------------------------------------- what is where */

  protected override willUpdate(): void {
    const focused = itemElement(document.activeElement);
    const key = focused && this.contains(focused) ? focused.dataset['key'] : undefined;
    this.#focused =
      key === undefined ? null : { key, bucket: focused?.dataset['bucket'] as Bucket };
    this.#segments = [...this.#makeSegments()];
    this.#size = this.#makeSize();
  }

  protected override updated(changed: PropertyValues<this>): void {
    const focused = this.#focused;
    if (!focused) return;
    const now = this.wave && this.#itemOfKey(focused.key);
    if (changed.has('version') && now && now.bucket !== focused.bucket) {
      this.dispatchEvent(
        new SayEvent(l10n.t('{0}: {1}', now.task?.id ?? titleOf(now), bucketWord(now.bucket))),
      );
    }
    void this.#rows?.updateComplete.then(() => {
      if (focusLost() && !this.focusItem(focused.key)) this.#focusNear();
    });
  }

  /** What had the focus is not here any more: stay as near as can be. */
  #focusNear(): void {
    if (this.focusEdge()) return;
    this.closest<HTMLElement>('.wave')?.querySelector<HTMLElement>('button')?.focus();
  }

  *#makeSegments(): Generator<Segment> {
    const { wave, layout, folded, abreast } = this;
    if (!wave) return;
    const visible = (bucket: Bucket) => !this.unseen.has(stateOfBucket(bucket));
    if (layout !== 'cards') {
      for (const bucket of buckets) {
        const { rows } = wave.lists[bucket];
        if (rows.length === 0 || !visible(bucket)) continue;
        yield {
          id: bucket,
          label: bucketWord(bucket),
          glyph: bucket,
          items: rows,
          as: layout === 'list' ? 'short' : 'line',
          abreast: 1,
          folded: folded.has(bucket),
        };
      }
      return;
    }
    for (const group of groups) {
      const items = buckets
        .filter((bucket) => looks[bucket].group === group && visible(bucket))
        .flatMap((bucket) => wave.lists[bucket].rows);
      if (items.length === 0) continue;
      const asLines = group === 'completed';
      yield {
        id: group,
        label: groupWord(group),
        glyph: null,
        items,
        as: asLines ? 'row' : 'card',
        abreast: asLines ? 1 : abreast,
        folded: folded.has(group),
      };
    }
  }

  /** One number where all rows are alike; else a function made anew, so that the list measures again. */
  #makeSize(): RowSource['size'] {
    if (this.layout !== 'cards') return lineHeight;
    const sizes: number[] = [];
    for (const segment of this.#segments) {
      sizes.push(headHeight);
      for (let row = 0; row < rowsOf(segment); row += 1) {
        if (segment.as !== 'card') {
          sizes.push(lineHeight);
          continue;
        }
        const items = segment.items.slice(row * segment.abreast, (row + 1) * segment.abreast);
        const noted = items.some((item) => noteOf(item, this.around) !== null);
        sizes.push(cardHeight + (noted ? noteHeight : 0) + cardGap);
      }
    }
    return (index) => sizes[index] ?? lineHeight;
  }

  get #count(): number {
    return this.#segments.reduce((sum, segment) => sum + 1 + rowsOf(segment), 0);
  }

  #place(index: number): Place | undefined {
    let left = index;
    for (const segment of this.#segments) {
      if (left <= rowsOf(segment)) return { segment, row: left - 1 };
      left -= rowsOf(segment) + 1;
    }
    return undefined;
  }

  #itemOfKey(key: string): Item | undefined {
    const item = this.around.scope.items.get(key);
    return item && item.wave === this.wave?.number ? item : undefined;
  }

  /** The row of an item; -1 where it is not shown. */
  #indexOfKey(key: string): number {
    const item = this.#itemOfKey(key);
    if (!item) return -1;
    let index = 0;
    for (const segment of this.#segments) {
      if (segment.id === item.bucket || segment.id === looks[item.bucket].group) {
        if (segment.folded) return -1;
        const place =
          segment.id === item.bucket
            ? (this.wave?.lists[item.bucket].indexOf(item) ?? -1)
            : segment.items.indexOf(item);
        return place < 0 ? -1 : index + 1 + Math.floor(place / segment.abreast);
      }
      index += rowsOf(segment) + 1;
    }
    return -1;
  }

  /* ---------------------------------------------------------------- keys */

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const element = itemElement(event.target);
    const key = element?.dataset['key'];
    if (key === undefined) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.dispatchEvent(new SelectEvent(key));
      return;
    }
    const to = this.#beside(key, event.key);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.focusItem(to);
  }

  #beside(key: string, step: string): string | undefined {
    const index = this.#indexOfKey(key);
    const place = this.#place(index);
    if (!place) return undefined;
    const { segment, row } = place;
    const first = row * segment.abreast;
    const across = segment.items
      .slice(first, first + segment.abreast)
      .findIndex((it) => it.key === key);
    switch (step) {
      case 'Home':
        return this.#firstKey();
      case 'End': {
        const last = this.#segments.filter(({ folded }) => !folded).at(-1);
        return last?.items.at(-1)?.key;
      }
      case 'ArrowRight':
        return across + 1 < segment.abreast ? segment.items[first + across + 1]?.key : undefined;
      case 'ArrowLeft':
        return across > 0 ? segment.items[first + across - 1]?.key : undefined;
      case 'ArrowDown':
      case 'ArrowUp':
      case 'PageDown':
      case 'PageUp':
        return this.#above(index, across, step);
      default:
        return undefined;
    }
  }

  #above(index: number, across: number, step: string): string | undefined {
    const by = step.startsWith('Page') ? 12 : 1;
    const direction = step.endsWith('Up') ? -1 : 1;
    let found: string | undefined;
    let left = by;
    for (let at = index + direction; at >= 0 && at < this.#count && left > 0; at += direction) {
      const place = this.#place(at);
      if (!place || place.row < 0) continue;
      const { segment, row } = place;
      const items = segment.items.slice(row * segment.abreast, (row + 1) * segment.abreast);
      found = (items[across] ?? items.at(-1))?.key ?? found;
      left -= 1;
    }
    return found;
  }

  /* ---------------------------------------------------------------- drawing */

  protected override render(): TemplateResult {
    const { wave } = this;
    if (!wave || this.#segments.length === 0)
      return html`<p class="none dim">${this.#whyEmpty()}</p>`;
    const stop = this.#present(this.stop) ?? this.#firstKey();
    const stopRow = stop === undefined ? -1 : this.#indexOfKey(stop);
    const focusedRow = this.#focused ? this.#indexOfKey(this.#focused.key) : -1;
    const source: RowSource = {
      count: this.#count,
      size: this.#size,
      pinned: [...new Set([stopRow, focusedRow])],
      keyOf: (index) => this.#keyOf(index),
      draw: (index, style) => this.#draw(index, style, stop),
    };
    return html`<wl-rows
      class="wbody ${this.layout}"
      role="grid"
      aria-label=${this.label}
      aria-rowcount=${source.count}
      .source=${source}
    ></wl-rows>`;
  }

  #whyEmpty(): string {
    const hidden = this.wave?.count.all ?? 0;
    return hidden > 0 ? l10n.t('{0} hidden by the filter', hidden) : l10n.t('No tasks');
  }

  #keyOf(index: number): string {
    const place = this.#place(index);
    if (!place) return `?${index}`;
    const { segment, row } = place;
    if (row < 0) return `head:${segment.id}`;
    return `row:${segment.items[row * segment.abreast]?.key ?? index}`;
  }

  #draw(index: number, style: string, stop: string | undefined): TemplateResult {
    const place = this.#place(index);
    if (!place) return html``;
    const { segment, row } = place;
    if (row < 0) return this.#head(segment, index, style);
    if (segment.as === 'card') {
      const items = segment.items.slice(row * segment.abreast, (row + 1) * segment.abreast);
      return html`<div
        class="vrow cards"
        role="row"
        aria-rowindex=${index + 1}
        .style=${`${style};grid-template-columns:repeat(${segment.abreast},minmax(0,1fr))`}
      >
        ${items.map((item) => this.#card(item, item.key === stop))}
      </div>`;
    }
    const item = segment.items[row];
    return item ? this.#line(item, segment.as, index, style, item.key === stop) : html``;
  }

  #head(segment: Segment, index: number, style: string): TemplateResult {
    const fold = () =>
      this.dispatchEvent(new CustomEvent('wl-foldgroup', { bubbles: true, detail: segment.id }));
    const inside = html`${segment.glyph ? stateGlyph(segment.glyph) : nothing}<span
        >${segment.label}</span
      >
      <span class="num">${number(segment.items.length)}</span>`;
    return html`<div class="vrow" role="row" aria-rowindex=${index + 1} .style=${style}>
      <div role="gridcell" class="ghc">
        ${
          segment.as === 'line' && this.layout === 'lines'
            ? html`<button
                class="gh"
                aria-expanded=${String(!segment.folded)}
                tabindex="-1"
                @click=${fold}
              >
                ${glyph(segment.folded ? 'chevron-right' : 'chevron-down')}${inside}
              </button>`
            : html`<span class="gh">${inside}</span>`
        }
      </div>
    </div>`;
  }

  readonly #choose = (event: Event): void => {
    const key = itemElement(event.target)?.dataset['key'];
    if (key !== undefined) this.dispatchEvent(new SelectEvent(key));
  };

  #card(item: Item, isStop: boolean): TemplateResult {
    const { run, bucket, stale, key } = item;
    const note = noteOf(item, this.around);
    const chosen = this.selected === key;
    return html`<div
      class="card ${chosen ? 'sel' : ''}"
      role="gridcell"
      tabindex=${isStop ? 0 : -1}
      aria-selected=${String(chosen)}
      data-key=${key}
      data-bucket=${bucket}
      @click=${this.#choose}
    >
      <div class="r1">
        ${stateGlyph(bucket)}${idOf(item)}<span class="ell" title=${titleOf(item)}
          >${titleOf(item)}</span
        >
      </div>
      <div class="r2">
        <span class="word">${itemWord(item)}</span
        ><span class="ell dim who" title=${run?.agent ?? nothing}>${run?.agent ?? ''}</span
        ><span>${attempt(item)}</span><span class="age num">${ageOf(item, this.around.now)}</span>
      </div>
      ${
        note === null
          ? nothing
          : html`<div class="r3" title=${note}>
              ${stale ? glyph('warning', 'st-lost') : nothing}<span class="ell">${note}</span>
            </div>`
      }
    </div>`;
  }

  #line(
    item: Item,
    as: Segment['as'],
    index: number,
    style: string,
    isStop: boolean,
  ): TemplateResult {
    const { run, bucket, key } = item;
    const chosen = this.selected === key;
    const title = titleOf(item);
    return html`<div
      class="vrow trow ${as} ${chosen ? 'sel' : ''}"
      role="row"
      tabindex=${isStop ? 0 : -1}
      aria-rowindex=${index + 1}
      aria-selected=${String(chosen)}
      data-key=${key}
      data-bucket=${bucket}
      .style=${style}
      @click=${this.#choose}
    >
      <span role="gridcell" class="lead"
        >${stateGlyph(bucket)}<span class=${as === 'line' ? 'word ell' : 'sr'}
          >${itemWord(item)}</span
        ></span
      ><span role="gridcell" class="name" title=${title}
        >${idOf(item)}<span class="ell">${title}</span></span
      >${
        as === 'short'
          ? nothing
          : html`<span role="gridcell" class="ell dim who" title=${run?.agent ?? nothing}
                >${run?.agent ?? ''}</span
              >${
                as === 'row'
                  ? html`<span class="word dim" aria-hidden="true">${itemWord(item)}</span>`
                  : html`<span role="gridcell" class="atts">${attempt(item)}</span>`
              }<span role="gridcell" class="age num">${ageOf(item, this.around.now)}</span>`
      }
    </div>`;
  }
}

const rowsOf = ({ folded, items, abreast }: Segment): number =>
  folded ? 0 : Math.ceil(items.length / abreast);

const idOf = ({ task, run }: Item): TemplateResult | typeof nothing => {
  const id = task?.id ?? run?.task;
  return id === undefined || id === null
    ? nothing
    : html`<span class="id num ell" title=${id}>${id}</span>`;
};

function attempt({ run }: Item): TemplateResult | typeof nothing {
  if (!run || (run.attempt < 2 && run.maxAttempts < 2)) return nothing;
  return html`<span class="att num" title=${l10n.t('Attempt {0}', attemptShare(run))}
    >${glyph('debug-restart')}${attemptShare(run)}</span
  >`;
}

const itemElement = (node: unknown): HTMLElement | null =>
  node instanceof HTMLElement ? node.closest<HTMLElement>('[data-key]') : null;
