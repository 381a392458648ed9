/**
 * The timeline: who worked when. Rows are real elements, but only those in view and a few around them; the marks of
 * a row are placed in pixels for the range of time that is seen. The right edge lives only while something runs and
 * somebody looks. Long because keys, wheel, pointer and drawing all move one range and one row that has the focus.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { toNeighbour } from '../graph/furniture';
import { blank } from '../parts';
import {
  asText,
  labelOf,
  lookOf,
  RunOpenEvent,
  RunSelectEvent,
  stateWord,
  ViewEvent,
} from '../graph/runs';
import { drawMarks, legend } from './drawing';
import { marksOf, timesSaid } from './marks';
import {
  extent,
  isOpen,
  rowAt,
  runKey,
  timelineRows,
  type Grouping,
  type TimelineRow,
  type TimelineRows,
  type TimelineRun,
} from './rows';
import {
  clockMarks,
  keepNear,
  minute,
  panBy,
  spanOf,
  timeAt,
  xOf,
  zoomAbout,
  type Range,
} from './scale';
import { timelineWords } from './words';

/** How much time is seen: so much up to now, all of it, or what a person has chosen. */
export type TimelineSpan = 'quarter' | 'hour' | 'all' | Range;

export interface TimelineView {
  readonly span: TimelineSpan;
  readonly grouping: Grouping;
}

const spans = { quarter: 15 * minute, hour: 70 * minute } as const;
/** Now stands here, with room for what is due. */
const nowAt = 0.888;
/** Rows in the page above and below those in view. */
const around = 6;
const zoomStep = 1.25;
const clickSlack = 4;

export class Timeline extends LitElement {
  static override properties = {
    runs: { attribute: false },
    selected: { attribute: false },
    grouping: { attribute: false },
    span: { attribute: false },
    stop: { state: true },
    folded: { state: true },
    box: { state: true },
    now: { state: true },
  };
  declare runs: readonly TimelineRun[];
  declare selected: string | null;
  declare grouping: Grouping;
  declare span: TimelineSpan;
  declare stop: string | null;
  declare folded: ReadonlySet<string>;
  declare box: { readonly top: number; readonly height: number; readonly track: number };
  declare now: number;
  /** What time it is. */
  clock: () => number = Date.now;

  #rows: TimelineRows = timelineRows([], 'agent', new Set());
  #extent: Range | null = null;
  #anyOpen = false;
  #frame = 0;
  #inView = false;
  #hadFocus = false;
  #wasAt = 0;
  #counted = -1;
  #observers: { disconnect(): void }[] = [];

  constructor() {
    super();
    this.runs = [];
    this.selected = null;
    this.grouping = 'agent';
    this.span = 'hour';
    this.stop = null;
    this.folded = new Set();
    this.box = { top: 0, height: 0, track: 0 };
    this.now = Date.now();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  get view(): TimelineView {
    return { span: this.span, grouping: this.grouping };
  }
  set view({ span, grouping }: TimelineView) {
    this.span = span;
    this.grouping = grouping;
  }

  /** Whether the right edge is being moved; for tests. */
  get alive(): boolean {
    return this.#frame !== 0;
  }

  get range(): Range {
    const { span, now } = this;
    if (typeof span === 'object') return span;
    if (span === 'all') {
      const content = this.#extent ?? { from: now - spans.hour, to: now };
      const room = Math.max(spanOf(content), 10_000);
      return {
        from: content.from - 0.015 * room,
        to: content.to + (this.#anyOpen ? 0.126 : 0.1) * room,
      };
    }
    const from = now - nowAt * spans[span];
    return { from, to: from + spans[span] };
  }

  /** Brings a run into view and the keyboard to it. False when it is not shown. */
  async focusRun(id: string): Promise<boolean> {
    const run = this.runs.find((it) => it.id === id);
    if (!run) return false;
    await this.updateComplete;
    if (!this.#rows.index.has(runKey(id))) this.folded = new Set();
    const { from, to } = this.range;
    const start = run.startedAt ?? run.dueAt ?? run.createdAt;
    const end = run.endedAt ?? (isOpen(run) ? this.now : start);
    if (end < from || start > to) this.#look(panBy(this.range, start - from - 0.1 * (to - from)));
    this.stop = runKey(id);
    await this.updateComplete;
    this.#focusStop();
    return true;
  }

  /** About the middle of what is seen. */
  zoomBy(factor: number): void {
    this.#zoom(factor);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#observe();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const observer of this.#observers.splice(0)) observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#inView = false;
  }

  protected override firstUpdated(): void {
    this.#observe();
  }

  #observe(): void {
    const sizes = new ResizeObserver(() => {
      this.#measure();
    });
    const body = this.#body;
    const axis = this.querySelector('.wlt-axis');
    if (body) sizes.observe(body);
    if (axis) sizes.observe(axis);
    const sight = new IntersectionObserver((entries) => {
      this.#inView = entries.at(-1)?.isIntersecting ?? false;
      this.#tick();
    });
    sight.observe(this);
    this.#observers.push(sizes, sight);
  }

  #measure(): void {
    const body = this.#body;
    const track = this.querySelector('.wlt-axis')?.clientWidth ?? 0;
    if (!body) return;
    const { top, height, track: before } = this.box;
    if (body.scrollTop === top && body.clientHeight === height && track === before) return;
    this.box = { top: body.scrollTop, height: body.clientHeight, track };
  }

  /** One frame after the other while time moves something that is seen. */
  #tick(): void {
    if (this.#frame !== 0 || !this.#anyOpen || !this.#inView) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const now = this.clock();
      const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
      const pixel = spanOf(this.range) / Math.max(1, this.box.track * devicePixelRatio);
      const moved = !still && Math.abs(now - this.now) >= pixel;
      // Numbers tick once a second; between, only what has moved by a pixel is drawn.
      if (moved || Math.floor(now / 1_000) !== Math.floor(this.now / 1_000)) this.now = now;
      this.#tick();
    });
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.#hadFocus = this.#body?.contains(document.activeElement) ?? false;
    if (changed.has('runs')) {
      this.#anyOpen = this.runs.some(isOpen);
      this.now = this.clock();
    }
    if (changed.has('runs') || changed.has('now')) this.#extent = extent(this.runs, this.now);
    if (changed.has('runs') || changed.has('grouping') || changed.has('folded'))
      this.#rows = timelineRows(this.runs, this.grouping, this.folded);
    this.#keepStop();
  }

  #keepStop(): void {
    const { list, index } = this.#rows;
    const here = this.stop === null ? undefined : index.get(this.stop);
    if (here !== undefined) {
      this.#wasAt = here;
      return;
    }
    this.stop = list[Math.min(this.stop === null ? 1 : this.#wasAt, list.length - 1)]?.key ?? null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('span') || changed.has('grouping')) this.dispatchEvent(new ViewEvent());
    if (this.#hadFocus && !this.#body?.contains(document.activeElement)) this.#focusStop();
    this.#tick();
    // Asked for again only when rows come or go: the answer costs a layout of its own.
    if (this.#counted === this.#rows.list.length) return;
    this.#counted = this.#rows.list.length;
    this.#measure();
  }

  get #body(): HTMLElement | null {
    return this.querySelector('.wlt-body');
  }

  #stopIndex(): number {
    return this.stop === null ? -1 : (this.#rows.index.get(this.stop) ?? -1);
  }

  #focusStop(): void {
    const index = this.#stopIndex();
    const body = this.#body;
    if (!body || index < 0) return;
    const top = this.#rows.tops[index] ?? 0;
    const bottom = this.#rows.tops[index + 1] ?? 0;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (bottom > body.scrollTop + body.clientHeight)
      body.scrollTop = bottom - body.clientHeight;
    body.querySelector<HTMLElement>('[data-row][tabindex="0"]')?.focus({ preventScroll: true });
  }

  async #goTo(row: TimelineRow | undefined): Promise<void> {
    if (!row) return;
    this.stop = row.key;
    await this.updateComplete;
    this.#focusStop();
  }

  #look(range: Range): void {
    this.span = this.#extent
      ? keepNear(range, { ...this.#extent, to: Math.max(this.#extent.to, this.now) })
      : range;
  }

  #zoom(factor: number, time?: number): void {
    const { from, to } = this.range;
    const middle = this.now > from && this.now < to ? this.now : (from + to) / 2;
    this.#look(zoomAbout(this.range, factor, time ?? middle));
  }

  #select(id: string | null): void {
    if (this.selected === id) return;
    this.selected = id;
    this.dispatchEvent(new RunSelectEvent(id));
  }

  #fold(key: string): void {
    const folded = new Set(this.folded);
    if (!folded.delete(key)) folded.add(key);
    this.folded = folded;
  }

  #keydown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #key(key: string): boolean {
    const { list } = this.#rows;
    const index = this.#stopIndex();
    const row = list[index];
    const step = 0.1 * spanOf(this.range);
    switch (key) {
      case 'ArrowUp':
      case 'ArrowDown':
        void this.#goTo(list[index + (key === 'ArrowUp' ? -1 : 1)]);
        return true;
      case 'Home':
      case 'End':
        void this.#goTo(list.at(key === 'Home' ? 0 : -1));
        return true;
      case 'PageUp':
      case 'PageDown': {
        const jump = Math.max(1, Math.floor(this.box.height / 26) - 1);
        const to = index + (key === 'PageUp' ? -jump : jump);
        void this.#goTo(list[Math.max(0, Math.min(list.length - 1, to))]);
        return true;
      }
      case 'ArrowLeft':
      case 'ArrowRight':
        this.#look(panBy(this.range, key === 'ArrowLeft' ? -step : step));
        return true;
      case '+':
      case '=':
        this.#zoom(zoomStep);
        return true;
      case '-':
        this.#zoom(1 / zoomStep);
        return true;
      case '0':
        this.span = 'all';
        return true;
      case 'Enter':
        if (row?.kind === 'group') this.#fold(row.key);
        else if (row) this.#open(row.run.id);
        return row !== undefined;
      case ' ':
        if (row?.kind === 'run') this.#select(row.run.id);
        return row !== undefined;
      case 'Escape':
        if (this.selected === null) return false;
        this.#select(null);
        return true;
      default:
        return false;
    }
  }

  #open(id: string): void {
    this.#select(id);
    this.dispatchEvent(new RunOpenEvent(id));
  }

  #wheel(event: WheelEvent): void {
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    const { track } = this.box;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const x =
        event.clientX - (this.querySelector('.wlt-axis')?.getBoundingClientRect().left ?? 0);
      const time = timeAt(this.range, track, Math.min(Math.max(x, 0), track));
      this.#zoom(Math.exp(-event.deltaY * lines * 0.004), time);
      return;
    }
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (sideways === 0 || (!event.shiftKey && Math.abs(event.deltaY) > Math.abs(sideways))) return;
    event.preventDefault();
    this.#look(panBy(this.range, ((sideways * lines) / Math.max(1, track)) * spanOf(this.range)));
  }

  /** Dragging moves time; a press without a move is a click on the row. */
  #press(event: PointerEvent): void {
    const body = this.#body;
    const target = event.target;
    if (
      !body ||
      event.button !== 0 ||
      !(target instanceof Element) ||
      !target.closest('.wlt-track')
    )
      return;
    const start = event.clientX;
    const range = this.range;
    let dragged = false;
    const ended = new AbortController();
    const { signal } = ended;
    body.addEventListener(
      'pointermove',
      (next) => {
        const moved = next.clientX - start;
        if (!dragged && Math.abs(moved) > clickSlack) {
          dragged = true;
          body.setPointerCapture(event.pointerId);
          body.classList.add('wlt-dragging');
        }
        if (dragged)
          this.#look(panBy(range, (-moved / Math.max(1, this.box.track)) * spanOf(range)));
      },
      { signal },
    );
    const end = () => {
      ended.abort();
      body.classList.remove('wlt-dragging');
      // The click that ends a drag is none.
      if (dragged) body.addEventListener('click', stopEvent, { capture: true, once: true });
      setTimeout(() => {
        body.removeEventListener('click', stopEvent, { capture: true });
      });
    };
    body.addEventListener('pointerup', end, { signal });
    body.addEventListener('pointercancel', end, { signal });
  }

  #rowOf(event: Event): TimelineRow | undefined {
    const element =
      event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
    const key = element?.dataset['row'];
    return key === undefined ? undefined : this.#rows.list[this.#rows.index.get(key) ?? -1];
  }

  protected override render(): TemplateResult {
    const { list, tops } = this.#rows;
    const { range, now } = this;
    const { track } = this.box;
    const { marks, step } = clockMarks(range, track);
    const nowX = xOf(range, track, now);
    const nowSeen = nowX >= 0 && nowX <= track;
    const empty = list.length === 0;
    return html`<div class="wlt-top">
        <div class="wlt-corner">
          ${this.#choices(timelineWords.groupBy, timelineWords.grouping, this.grouping, (it) => (this.grouping = it))}
          ${this.#choices(timelineWords.range, timelineWords.ranges, typeof this.span === 'string' ? this.span : null, (it) => (this.span = it))}
        </div>
        <div class="wlt-axis" aria-hidden="true">
          ${(empty ? [] : marks).map(({ time, day }) => {
            const x = xOf(range, track, time);
            if (x > track - 36 || (nowSeen && Math.abs(x + 20 - nowX) < 56)) return nothing;
            const word = day
              ? timelineWords.day(time)
              : step < minute
                ? timelineWords.timeExact(time)
                : timelineWords.time(time);
            return html`<span .style=${`left:${x}px`}>${word}</span>`;
          })}
          ${nowSeen && !empty ? html`<span class="wlt-now-word" .style=${`left:${Math.min(Math.max(nowX, 32), track - 32)}px`}>${timelineWords.timeExact(now)}</span>` : nothing}
        </div>
      </div>
      <div class="wlt-main">
        <div class="wlt-over" aria-hidden="true">
          ${empty ? nothing : marks.map(({ time }) => html`<i class="wlt-grid" .style=${`left:${Math.round(xOf(range, track, time))}px`}></i>`)}
        </div>
        <div
          class="wlt-body"
          role=${empty ? nothing : 'treegrid'}
          aria-label=${empty ? nothing : timelineWords.timeline}
          aria-description=${empty ? nothing : timelineWords.help}
          aria-rowcount=${empty ? nothing : list.length}
          @keydown=${this.#keydown}
          @wheel=${this.#onWheel}
          @pointerdown=${this.#press}
          @scroll=${this.#measure}
          @focusin=${this.#focusIn}
          @click=${this.#click}
          @dblclick=${this.#doubleClick}
        >
          ${
            empty
              ? html`<div class="wlt-blank">
                  ${blank('history', timelineWords.empty.title, timelineWords.empty.note)}
                </div>`
              : html`<div
                  class="wlt-rows"
                  role="rowgroup"
                  .style=${`height:${tops[list.length] ?? 0}px`}
                >
                  ${this.#window()}
                </div>`
          }
        </div>
        <div class="wlt-over" aria-hidden="true">
          ${nowSeen && !empty ? html`<i class="wlt-now" .style=${`left:${nowX}px`}></i>` : nothing}
        </div>
      </div>
      ${empty ? nothing : legend()}`;
  }

  #choices<Choice extends string>(
    label: string,
    choices: Readonly<Record<Choice, string>>,
    chosen: string | null,
    choose: (choice: Choice) => void,
  ): TemplateResult {
    const names = Object.keys(choices) as Choice[];
    const stop = chosen === null ? names[0] : chosen;
    return html`<span class="wlt-choices" role="group" aria-label=${label} @keydown=${toNeighbour}>
      ${names.map(
        (name) =>
          html`<button
            type="button"
            aria-pressed=${String(name === chosen)}
            tabindex=${name === stop ? 0 : -1}
            @click=${() => {
              choose(name);
            }}
          >
            ${choices[name]}
          </button>`,
      )}
    </span>`;
  }

  #window(): unknown {
    const { list, tops } = this.#rows;
    const first = Math.max(0, rowAt(tops, this.box.top) - around);
    const last = Math.min(list.length, rowAt(tops, this.box.top + this.box.height) + around + 1);
    const shown = list.slice(first, last).map((row, place) => ({ row, index: first + place }));
    const stop = this.#stopIndex();
    const kept = list[stop];
    // Where the keyboard is stays in the page, however far away one scrolls.
    if (kept && stop < first) shown.unshift({ row: kept, index: stop });
    if (kept && stop >= last) shown.push({ row: kept, index: stop });
    return repeat(
      shown,
      ({ row }) => row.key,
      ({ row, index }) => (row.kind === 'group' ? this.#group(row, index) : this.#run(row, index)),
    );
  }

  #group(row: TimelineRow & { kind: 'group' }, index: number): TemplateResult {
    return html`<div
      role="row"
      class="wlt-row wlt-group ${index === 0 ? 'wlt-first' : ''}"
      aria-level="1"
      aria-expanded=${String(row.open)}
      aria-rowindex=${index + 1}
      data-row=${row.key}
      tabindex=${row.key === this.stop ? 0 : -1}
      .style=${`transform:translateY(${this.#rows.tops[index] ?? 0}px)`}
    >
      <div role="rowheader" class="wlt-label">
        <i class="codicon codicon-chevron-${row.open ? 'down' : 'right'}" aria-hidden="true"></i>
        <b class="wlt-ell"><bdi>${row.label}</bdi></b>
        <span class="wlt-end wlt-soft" aria-hidden="true">${timelineWords.number(row.runs)}</span>
        <span class="wlt-said">${timelineWords.runs(row.runs)}</span>
      </div>
    </div>`;
  }

  #run(row: TimelineRow & { kind: 'run' }, index: number): TemplateResult {
    const { run } = row;
    const look = lookOf(run.status);
    const title = asText(run.title);
    const marks = marksOf(run, row.before, this.range, this.box.track, this.now);
    return html`<div
      role="row"
      class="wlt-row"
      aria-level="2"
      aria-rowindex=${index + 1}
      aria-selected=${String(run.id === this.selected)}
      data-row=${row.key}
      tabindex=${row.key === this.stop ? 0 : -1}
      .style=${`transform:translateY(${this.#rows.tops[index] ?? 0}px)`}
    >
      <div role="rowheader" class="wlt-label">
        <i class="codicon codicon-${look.glyph} wlt-hue wlt-${marks.hue}" aria-hidden="true"></i>
        <span class="wlt-id wlt-soft">${labelOf(run)}</span>
        <bdi class="wlt-ell" title=${title}>${title}</bdi>
        <span class="wlt-end wlt-soft" aria-hidden="true"
          >${timelineWords.attempt(run.attempt, run.maxAttempts)}</span
        >
        <span class="wlt-said">${timelineWords.attemptSaid(run.attempt, run.maxAttempts)}</span>
      </div>
      <div role="gridcell" class="wlt-track wlt-${marks.hue}">
        <span class="wlt-said">${stateWord(run)}, ${timesSaid(run, this.now)}</span>
        ${drawMarks(marks, look.glyph)}
      </div>
    </div>`;
  }

  // The browser must know that a wheel's event may be stopped.
  readonly #onWheel = {
    passive: false,
    handleEvent: (event: WheelEvent) => {
      this.#wheel(event);
    },
  };

  #focusIn(event: FocusEvent): void {
    const row = this.#rowOf(event);
    if (row) this.stop = row.key;
  }

  #click(event: MouseEvent): void {
    const row = this.#rowOf(event);
    if (row?.kind === 'group') this.#fold(row.key);
    else if (row) this.#select(row.run.id);
  }

  #doubleClick(event: MouseEvent): void {
    const row = this.#rowOf(event);
    if (row?.kind === 'run') this.#open(row.run.id);
  }
}

const stopEvent = (event: Event) => {
  event.stopPropagation();
};

export function registerTimeline(): void {
  if (!customElements.get('wl-timeline')) customElements.define('wl-timeline', Timeline);
}
