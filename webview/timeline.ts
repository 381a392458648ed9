/**
 * Who worked on what and when: a row for each attempt under its agent, on one axis of time that follows the clock until
 * somebody moves it. Rows are virtual; what is drawn of a row is what its times say.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { PanelRun } from '../src/shared/protocol';
import { dateAndTime, duration, l10n, number, time, timeWithSeconds } from './l10n';
import { keyOfRun } from './model';
import { agentGlyphs, blank, glyph, nothingMatches, SelectEvent, stateGlyph } from './parts';
import type { Rows, RowSource } from './rows';
import { attemptShare, runName, stateWord, type Around } from './say';
import type { Scope } from './scope';
import { isLive, isStale, type Bucket, type ItemState } from './states';

const rowHeight = 26;
const minute = 60_000;
export const spans = [15 * minute, 60 * minute, 0] as const;
const shortest = 10_000;
const longest = 90 * 24 * 60 * minute;

/** Which part of time is seen. A span of 0 is all there is; an end of null is now. */
export interface Window {
  readonly span: number;
  readonly end: number | null;
}
export const wholeTime: Window = { span: 0, end: null };

interface Lane {
  readonly agent: string;
  readonly runs: readonly PanelRun[];
}

export class Timeline extends LitElement {
  static override properties = {
    around: { attribute: false },
    shown: { attribute: false },
    unseen: { attribute: false },
    selected: { attribute: false },
    version: { attribute: false },
    window: { attribute: false },
    stop: { state: true },
  };
  declare around: Around;
  declare shown: Scope;
  declare unseen: ReadonlySet<ItemState>;
  declare selected: string | null;
  declare version: unknown;
  declare window: Window;
  /** The run that Tab reaches. */
  declare stop: string | null;

  #lanes: readonly Lane[] = [];
  #lanesOf:
    { readonly shown: Scope; readonly version: number; readonly unseen: unknown } | undefined;
  #from = 0;
  #to = 1;
  #drag: { readonly x: number; readonly end: number } | null = null;

  constructor() {
    super();
    this.unseen = new Set();
    this.selected = null;
    this.window = wholeTime;
    this.stop = null;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener('focusin', (event) => {
      const run = rowOf(event.target)?.dataset['run'];
      if (run !== undefined) this.stop = run;
    });
    this.addEventListener('wheel', (event) => {
      this.#wheel(event);
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  focusFirst(): boolean {
    const run = this.#stopRun();
    return run !== undefined && this.#focus(run.id);
  }

  /** Puts the focus on the newest attempt of an item. */
  focusItem(key: string): boolean {
    const run = this.around.model.attemptsOf(this.around.scope, key).at(-1);
    return run !== undefined && this.#focus(run.id);
  }

  zoom(by: number): void {
    const now = this.around.now;
    const span = Math.min(longest, Math.max(shortest, (this.#to - this.#from) * by));
    const middle = (this.#from + this.#to) / 2;
    const end = this.window.end === null ? null : Math.min(now + span * 0.04, middle + span / 2);
    this.#show({ span, end });
  }

  pan(by: number): void {
    const span = this.#to - this.#from;
    const { now } = this.around;
    const end = Math.min(now + span * 0.04, this.#to + span * by);
    this.#show({ span, end: end >= now + span * 0.039 ? null : end });
  }

  #show(window: Window): void {
    this.dispatchEvent(new CustomEvent<Window>('wl-window', { bubbles: true, detail: window }));
  }

  #wheel(event: WheelEvent): void {
    const track = this.querySelector('.tl-axis')?.getBoundingClientRect();
    if (!track || event.clientX < track.left) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.pan((event.deltaX || event.deltaY) / track.width);
    }
  }

  readonly #grab = (event: PointerEvent): void => {
    const track = this.querySelector('.tl-axis')?.getBoundingClientRect();
    if (!track || event.clientX < track.left || event.button !== 0) return;
    this.#drag = { x: event.clientX, end: this.#to };
  };
  readonly #move = (event: PointerEvent): void => {
    const width = this.querySelector('.tl-axis')?.getBoundingClientRect().width ?? 0;
    if (!this.#drag || width === 0 || Math.abs(event.clientX - this.#drag.x) < 4) return;
    const span = this.#to - this.#from;
    const end = this.#drag.end - ((event.clientX - this.#drag.x) / width) * span;
    const { now } = this.around;
    this.#show({ span, end: end >= now + span * 0.039 ? null : end });
  };
  readonly #letGo = (): void => {
    this.#drag = null;
  };

  /* ---------------------------------------------------------------- rows */

  protected override willUpdate(): void {
    this.#collect();
    const { now } = this.around;
    const { span, end } = this.window;
    if (span === 0) {
      const first = this.#first(now);
      const all = Math.max(minute, now - first);
      this.#from = first - all * 0.02;
      this.#to = now + all * 0.06;
    } else {
      this.#to = end ?? now + span * 0.04;
      this.#from = this.#to - span;
    }
    this.#focused = this.contains(document.activeElement) && rowOf(document.activeElement) !== null;
  }
  #focused = false;

  protected override updated(): void {
    if (!this.#focused) return;
    void this.querySelector<Rows>('wl-rows')?.updateComplete.then(() => {
      if (document.activeElement === document.body) this.focusFirst();
    });
  }

  #collect(): void {
    const { shown, unseen } = this;
    const known = this.#lanesOf;
    if (known?.shown === shown && known.version === shown.version && known.unseen === unseen)
      return;
    this.#lanesOf = { shown, version: shown.version, unseen };
    const names = [...shown.lanes.keys()].sort((one, other) =>
      one === '' ? 1 : other === '' ? -1 : one < other ? -1 : 1,
    );
    this.#lanes = names.flatMap((agent) => {
      const rows = shown.lanes.get(agent)?.rows ?? [];
      const runs = unseen.size === 0 ? rows : rows.filter((run) => !unseen.has(this.#stateOf(run)));
      return runs.length > 0 ? [{ agent, runs }] : [];
    });
  }

  /** As the item has it, where this is its newest attempt. */
  #stateOf(run: PanelRun): ItemState {
    const item = this.around.scope.items.get(keyOfRun(this.around.scope, run));
    if (item?.run?.id === run.id && run.status === 'queued') {
      if (item.state === 'blocked' || item.state === 'retry') return item.state;
    }
    return run.status;
  }

  #first(now: number): number {
    let first = now;
    for (const { runs } of this.#lanes) {
      const run = runs[0];
      if (run) first = Math.min(first, run.createdAt, run.startedAt ?? Infinity);
    }
    return first;
  }

  get #count(): number {
    return this.#lanes.reduce((sum, { runs }) => sum + 1 + runs.length, 0);
  }

  #place(index: number): { readonly lane: Lane; readonly row: number } | undefined {
    let left = index;
    for (const lane of this.#lanes) {
      if (left <= lane.runs.length) return { lane, row: left - 1 };
      left -= lane.runs.length + 1;
    }
    return undefined;
  }

  #indexOf(id: string | null): number {
    const run =
      id === null ? undefined : this.around.model.rows.get(this.around.scope.store)?.runs.get(id);
    if (!run) return -1;
    let index = 0;
    for (const { agent, runs } of this.#lanes) {
      if (agent === (run.agent ?? '')) {
        const place = runs.indexOf(run);
        return place < 0 ? -1 : index + 1 + place;
      }
      index += runs.length + 1;
    }
    return -1;
  }

  #stopRun(): PanelRun | undefined {
    const index = this.#indexOf(this.stop);
    const place = index < 0 ? undefined : this.#place(index);
    return (place && place.lane.runs[place.row]) ?? this.#lanes[0]?.runs[0];
  }

  #focus(id: string): boolean {
    const index = this.#indexOf(id);
    if (index < 0) return false;
    this.stop = id;
    const rows = this.querySelector<Rows>('wl-rows');
    rows?.reveal(index);
    void this.updateComplete.then(async () => {
      await rows?.updateComplete;
      this.querySelector<HTMLElement>(`[data-run="${CSS.escape(id)}"]`)?.focus({
        preventScroll: true,
      });
    });
    return true;
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const id = rowOf(event.target)?.dataset['run'];
    if (id === undefined) return;
    const index = this.#indexOf(id);
    const step = (by: number) => {
      for (let at = index + by; at >= 0 && at < this.#count; at += Math.sign(by)) {
        const place = this.#place(at);
        const run = place && place.row >= 0 ? place.lane.runs[place.row] : undefined;
        if (run) return this.#focus(run.id);
      }
      return false;
    };
    const acts: Readonly<Record<string, () => unknown>> = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      PageDown: () => step(Math.min(15, this.#count - 1 - index)),
      PageUp: () => step(-Math.min(15, index)),
      Home: () => this.#lanes[0]?.runs[0] && this.#focus(this.#lanes[0].runs[0].id),
      End: () => {
        const last = this.#lanes.at(-1)?.runs.at(-1);
        return last && this.#focus(last.id);
      },
      ArrowLeft: () => {
        this.pan(-0.1);
      },
      ArrowRight: () => {
        this.pan(0.1);
      },
      '+': () => {
        this.zoom(0.8);
      },
      '-': () => {
        this.zoom(1.25);
      },
      Enter: () => {
        const place = this.#place(index);
        const run = place?.lane.runs[place.row];
        if (run) this.dispatchEvent(new SelectEvent(keyOfRun(this.around.scope, run)));
      },
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /* ---------------------------------------------------------------- drawing */

  protected override render(): TemplateResult {
    if (this.#lanes.length === 0) {
      return this.around.scope.lanes.size > 0
        ? nothingMatches(() => this.dispatchEvent(new CustomEvent('wl-showall', { bubbles: true })))
        : blank(
            'pulse',
            l10n.t('No runs yet'),
            l10n.t(
              'Each run is drawn here from its claim to its end, under the agent that works on it.',
            ),
          );
    }
    const stop = this.#stopRun();
    const source: RowSource = {
      count: this.#count,
      size: rowHeight,
      pinned: [this.#indexOf(stop?.id ?? null)],
      keyOf: (index) => {
        const place = this.#place(index);
        if (!place) return String(index);
        return place.row < 0 ? `lane ${place.lane.agent}` : (place.lane.runs[place.row]?.id ?? '');
      },
      draw: (index, style) => {
        const place = this.#place(index);
        if (!place) return html``;
        if (place.row < 0) return this.#lane(place.lane, index, style);
        const run = place.lane.runs[place.row];
        return run
          ? this.#row(run, place.lane.runs[place.row - 1], index, style, run.id === stop?.id)
          : html``;
      },
    };
    return html`<div
      class="tl"
      @pointerdown=${this.#grab}
      @pointermove=${this.#move}
      @pointerup=${this.#letGo}
      @pointerleave=${this.#letGo}
    >
      ${this.#head()}
      <div class="tl-body">
        <div class="tl-over" aria-hidden="true">
          ${this.#ticks().map(
            ({ at }) => html`<i class="gridl" .style=${`left:${this.#percent(at)}%`}></i>`,
          )}
          ${
            this.#inside(this.around.now)
              ? html`<i class="nowl" .style=${`left:${this.#percent(this.around.now)}%`}></i>`
              : nothing
          }
        </div>
        <wl-rows
          class="tl-rows"
          role="grid"
          aria-label=${l10n.t('Runs by agent')}
          aria-rowcount=${source.count}
          .source=${source}
        ></wl-rows>
      </div>
      ${legend()}
    </div>`;
  }

  #head(): TemplateResult {
    const { span, end } = this.window;
    const { now } = this.around;
    const preset = (of: number, label: string) =>
      html`<button
        class="chip"
        aria-pressed=${String(span === of && end === null)}
        @click=${() => {
          this.#show({ span: of, end: null });
        }}
      >
        ${label}
      </button>`;
    return html`<div class="tl-head">
      <div class="tl-corner dim">
        <span class="ell">${l10n.t('Agent and run')}</span
        ><span class="seg-ctl" role="group" aria-label=${l10n.t('Span of time')}
          >${preset(spans[0], l10n.t('15 m'))}${preset(spans[1], l10n.t('1 h'))}${preset(
            spans[2],
            l10n.t('All'),
          )}</span
        >
      </div>
      <div class="tl-axis num" aria-hidden="true">
        ${this.#ticks().map(
          ({ at, label }) => html`<span .style=${`left:${this.#percent(at)}%`}>${label}</span>`,
        )}
        ${
          this.#inside(now)
            ? html`<span class="nowlab" .style=${`left:${this.#percent(now)}%`}
                >${timeWithSeconds(now)}</span
              >`
            : nothing
        }
      </div>
    </div>`;
  }

  #percent(at: number): number {
    return (100 * (at - this.#from)) / (this.#to - this.#from);
  }

  #inside(at: number): boolean {
    return at >= this.#from && at <= this.#to;
  }

  #ticks(): { readonly at: number; readonly label: string }[] {
    const span = this.#to - this.#from;
    const step = steps.find((it) => span / it <= 9) ?? steps.at(-1) ?? minute;
    const offset = new Date(this.#from).getTimezoneOffset() * minute;
    const first = Math.ceil((this.#from - offset) / step) * step + offset;
    const ticks: { at: number; label: string }[] = [];
    for (let at = first; at < this.#to; at += step)
      ticks.push({
        at,
        label:
          step < minute
            ? timeWithSeconds(at)
            : span > 20 * 60 * minute
              ? dateAndTime(at)
              : time(at),
      });
    return ticks;
  }

  #lane({ agent, runs }: Lane, index: number, style: string): TemplateResult {
    const known = this.around.model.rows.get(this.around.scope.store)?.agents.get(agent);
    const about = known && [kindWord(known.kind), known.host].filter(Boolean).join(' · ');
    return html`<div class="vrow tl-agent" role="row" aria-rowindex=${index + 1} .style=${style}>
      <div class="tl-lab" role="gridcell">
        ${agent === '' ? glyph('circle-large-outline') : glyph(agentGlyphs[known?.kind ?? 'other'] ?? 'account')}
        <b class="ell" title=${agent}>${agent === '' ? l10n.t('Not claimed') : agent}</b>
        ${about ? html`<span class="dim ell">${about}</span>` : nothing}
        <span class="num dim att2">${number(runs.length)}</span>
      </div>
    </div>`;
  }

  #row(
    run: PanelRun,
    above: PanelRun | undefined,
    index: number,
    style: string,
    isStop: boolean,
  ): TemplateResult {
    const { scope, now } = this.around;
    const key = keyOfRun(scope, run);
    const stale = isStale(run, now);
    const state = this.#stateOf(run);
    const bucket: Bucket = stale ? 'stale' : state;
    const chosen = this.selected === key;
    return html`<div
      class="vrow tl-row ${chosen ? 'sel' : ''}"
      role="row"
      tabindex=${isStop ? 0 : -1}
      aria-rowindex=${index + 1}
      aria-selected=${String(chosen)}
      data-run=${run.id}
      .style=${style}
      @click=${() => this.dispatchEvent(new SelectEvent(key))}
    >
      <div class="tl-lab" role="gridcell" title=${`${runName(run)} ${run.title}`}>
        ${stateGlyph(bucket)}${
          run.task === null ? nothing : html`<span class="id num ell">${run.task}</span>`
        }<span class="ell">${run.title}</span
        ><span class="num dim att2"
          >${run.maxAttempts > 1 || run.attempt > 1 ? attemptShare(run) : ''}</span
        >
      </div>
      <div class="tl-track" role="gridcell">${this.#track(run, above, state, stale)}</div>
    </div>`;
  }

  #track(
    run: PanelRun,
    above: PanelRun | undefined,
    state: ItemState,
    stale: boolean,
  ): TemplateResult {
    const { now } = this.around;
    const ended = run.endedAt ?? now;
    const started = run.startedAt ?? (isLive(run) ? now : ended);
    const silent =
      stale || run.status === 'lost' ? Math.max(started, run.beatAt ?? started) : ended;
    const due = state === 'retry' && run.notBefore !== null ? run.notBefore : null;
    const follows =
      above?.root === run.root && above.attempt === run.attempt - 1 && above.endedAt !== null;
    const span = (from: number, to: number, cls: string) => {
      const [left, right] = [Math.max(from, this.#from), Math.min(to, this.#to)];
      if (right <= left) return nothing;
      return html`<i
        class=${cls}
        .style=${`left:${this.#percent(left)}%;width:${this.#percent(right) - this.#percent(left)}%`}
      ></i>`;
    };
    const tick = (at: number, cls = '') =>
      this.#inside(at)
        ? html`<i class="tick ${cls}" .style=${`left:${this.#percent(at)}%`}></i>`
        : nothing;
    const claimed = run.startedAt !== null;
    return html`${follows && above.endedAt !== null ? span(above.endedAt, claimed ? started : (due ?? now), 'elbow') : span(run.createdAt, started, 'wait')}
    ${follows ? nothing : tick(run.createdAt, 'q')}
    ${
      claimed
        ? html`${span(started, silent, `bar b-${run.status}`)}${span(silent, ended, `bar gapbar b-${run.status}`)}${tick(started)}${isLive(run) ? nothing : tick(ended)}`
        : nothing
    }
    ${due === null ? nothing : html`${span(due, this.#to, 'bar ghost b-retry')}${tick(due)}`}
    ${this.#caption(run, started, ended, state, stale)}`;
  }

  /** After the bar where there is room, else before it. */
  #caption(
    run: PanelRun,
    started: number,
    ended: number,
    state: ItemState,
    stale: boolean,
  ): TemplateResult | typeof nothing {
    const after = this.#percent(ended);
    const before = this.#percent(run.startedAt === null ? this.around.now : started);
    const took =
      run.startedAt === null
        ? duration(this.around.now - run.createdAt)
        : duration(ended - started);
    const said = html`${stateGlyph(stale ? 'stale' : state)}<span>${stateWord(state)}</span
      ><span class="dim num">${stale ? l10n.t('{0}, stale', took) : took}</span>`;
    if (after >= 0 && after < 78 && !isLive(run))
      return html`<span class="tl-txt" .style=${`left:calc(${after}% + 8px)`}>${said}</span>`;
    if (before > 22)
      return html`<span class="tl-txt" .style=${`right:calc(${100 - Math.min(100, before)}% + 8px)`}
        >${said}</span
      >`;
    return html`<span class="sr">${said}</span>`;
  }
}

const steps = [
  1_000,
  5_000,
  10_000,
  30_000,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  30 * minute,
  60 * minute,
  3 * 60 * minute,
  6 * 60 * minute,
  12 * 60 * minute,
  24 * 60 * minute,
  7 * 24 * 60 * minute,
  30 * 24 * 60 * minute,
];

export function kindWord(kind: string): string {
  switch (kind) {
    case 'window':
      return l10n.t('window');
    case 'terminal':
      return l10n.t('terminal');
    case 'worker':
      return l10n.t('worker');
    case 'mcp':
      return l10n.t('MCP client');
    default:
      return '';
  }
}

const legend = (): TemplateResult =>
  html`<div class="tl-key dim" aria-hidden="true">
    <span><i class="k wait"></i>${l10n.t('waiting to be claimed')}</span>
    <span><i class="k bar b-running"></i>${l10n.t('running')}</span>
    <span><i class="k bar gapbar b-lost"></i>${l10n.t('no heartbeat')}</span>
    <span><i class="k tickk"></i>${l10n.t('transition')}</span>
    <span><i class="k elbowk"></i>${l10n.t('retry')}</span>
    <span><i class="k bar ghost b-retry"></i>${l10n.t('due')}</span>
  </div>`;

const rowOf = (node: unknown): HTMLElement | null =>
  node instanceof HTMLElement ? node.closest<HTMLElement>('[data-run]') : null;
