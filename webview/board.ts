/**
 * The waves of one workflow, side by side: finished ones folded, the current one wide, the next ones as lists. Of very
 * many waves only those near the current one are drawn; the others stand folded into one.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { PanelWorkflow } from '../src/shared/protocol';
import { Column, type Layout } from './column';
import { l10n, number } from './l10n';
import { fill, glyph, isShown } from './parts';
import type { Around } from './say';
import { Count, type Scope, type Wave } from './scope';
import type { ItemState } from './states';

/** Beyond this many tasks in a wave, lines serve better than cards. */
export const cardLimit = 500;
/** Waves before and after the current one that are drawn each by itself. */
const nearBefore = 4;
const nearAfter = 8;

/** Asks for a wave to be unfolded or folded again; the panel keeps which ones are. */
export class FoldEvent extends Event {
  constructor(
    readonly wave: number,
    readonly open: boolean,
  ) {
    super('wl-fold', { bubbles: true });
  }
}

export class Board extends LitElement {
  static override properties = {
    workflow: { attribute: false },
    around: { attribute: false },
    shown: { attribute: false },
    unseen: { attribute: false },
    open: { attribute: false },
    folded: { attribute: false },
    selected: { attribute: false },
    version: { attribute: false },
    lines: { attribute: false },
  };
  declare workflow: PanelWorkflow | null;
  declare around: Around;
  /** What the filters leave of the scope. */
  declare shown: Scope;
  declare unseen: ReadonlySet<ItemState>;
  /** Waves that the person has unfolded. */
  declare open: readonly number[];
  declare folded: ReadonlySet<string>;
  declare selected: string | null;
  declare version: unknown;
  /** What the person wants; null is by the number of tasks. */
  declare lines: boolean | null;

  #focusWave: number | null = null;

  constructor() {
    super();
    this.workflow = null;
    this.open = [];
    this.folded = new Set();
    this.selected = null;
    this.lines = null;
    this.addEventListener('keydown', (event) => {
      this.#move(event);
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override updated(): void {
    if (this.#focusWave === null) return;
    const buttons = this.querySelectorAll<HTMLElement>(`[data-fold="${this.#focusWave}"]`);
    [...buttons].find(isShown)?.focus();
    this.#focusWave = null;
  }

  /** Puts the focus on an item of any wave that is drawn. */
  focusItem(key: string): boolean {
    return this.#columns.some((column) => column.focusItem(key));
  }

  /** Puts the focus where Tab would first come to. */
  focusFirst(): boolean {
    const current = this.querySelector<Column>('.wave.current wl-column');
    return (current?.focusEdge() ?? false) || this.#columns.some((column) => column.focusEdge());
  }

  get #columns(): Column[] {
    return [...this.querySelectorAll<Column>('wl-column')].filter(isShown);
  }

  #fold(wave: number, open: boolean): void {
    this.#focusWave = wave;
    this.dispatchEvent(new FoldEvent(wave, open));
  }

  /** From one wave to the next, where no card stands abreast. */
  #move(event: KeyboardEvent): void {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const stops = [...this.querySelectorAll<HTMLElement>('.slim, wl-column')].filter(isShown);
    const here = stops.findIndex((stop) => stop.contains(event.target as Node));
    if (here < 0) return;
    const step = event.key === 'ArrowLeft' ? -1 : 1;
    for (let at = here + step; stops[at]; at += step) {
      const to = stops[at];
      if (to instanceof Column ? to.focusEdge() : (to?.focus(), true)) {
        event.preventDefault();
        return;
      }
    }
  }

  protected override render(): TemplateResult {
    const { workflow } = this;
    const scope = this.around.scope;
    const numbers = scope.waveNumbers(workflow?.waves ?? []);
    const completed = workflow?.completed ?? false;
    const wide = workflow ? (completed ? 0 : Math.max(1, workflow.wave)) : (numbers[0] ?? 0);
    const place = Math.max(0, numbers.indexOf(completed ? (workflow?.wave ?? 0) : wide));
    const from = Math.max(0, place - nearBefore);
    const to = Math.min(numbers.length, place + nearAfter + 1);
    const drawn = numbers.filter(
      (wave, index) => (index >= from && index < to) || this.open.includes(wave),
    );
    const titles = new Map(workflow?.waves.map(({ number: of, title }) => [of, title]));
    return html`<div class="board">
      ${this.#others(numbers.slice(0, from), 'earlier')}
      ${repeat(
        drawn,
        (wave) => wave,
        (wave) => {
          const title = titles.get(wave) ?? null;
          if (wave === wide && !completed) return this.#current(wave, title);
          const done = workflow !== null && (completed || wave < wide) && wave !== 0;
          return this.#side(wave, title, done, wave - wide);
        },
      )}
      ${this.#others(numbers.slice(to), 'later')}
      ${completed ? this.#completed(numbers.length) : nothing}
    </div>`;
  }

  /** Waves too far away to be drawn, in one; the nearest of them is unfolded first. */
  #others(waves: readonly number[], which: 'earlier' | 'later'): TemplateResult | typeof nothing {
    const folded = waves.filter((wave) => !this.open.includes(wave));
    const [first, last] = [folded[0], folded.at(-1)];
    if (first === undefined || last === undefined) return nothing;
    let completed = 0;
    let all = 0;
    for (const wave of folded) {
      const count = this.#count(wave);
      completed += count.completed;
      all += count.all;
    }
    return html`<div class="wave side folded">
      <button
        class="slim"
        aria-expanded="false"
        @click=${() => {
          this.#fold(which === 'earlier' ? last : first, true);
        }}
      >
        ${glyph('layers')}<span class="vt num ell">${l10n.t('Waves {0} to {1}', first, last)}</span
        ><span class="num wcount vt">${share(completed, all)}</span
        ><span class="sr">${l10n.t('completed: show the nearest')}</span>${glyph(
          'chevron-right',
          'exp',
        )}
      </button>
    </div>`;
  }

  #completed(waves: number): TemplateResult {
    const { count } = this.around.scope;
    return html`<div class="blank finished">
      <div>
        ${glyph('pass', 'hero st-completed')}
        <h2>${l10n.t('Workflow completed')}</h2>
        <p>
          ${l10n.t('{0} of {1} tasks completed in {2} waves.', count.completed, count.all, waves)}
        </p>
      </div>
    </div>`;
  }

  #current(wave: number, title: string | null): TemplateResult {
    const count = this.#count(wave);
    const started = this.workflow === null || this.workflow.wave === wave;
    const many = count.all > cardLimit;
    const layout: Layout = (this.lines ?? many) ? 'lines' : 'cards';
    return html`<div
      class="wave current ${layout === 'lines' ? 'dense' : ''}"
      role="group"
      aria-label=${nameOf(wave, title)}
    >
      <header class="wh">
        ${heading(wave, title)}
        ${
          this.workflow === null
            ? nothing
            : html`<span class="now">${started ? l10n.t('Current') : l10n.t('Not started')}</span>`
        }
        <span class="num wcount">${share(count.completed, count.all)}</span>
        <span class="wbar" aria-hidden="true">${fill(count)}</span>
      </header>
      ${layout === 'lines' ? lineHeads() : nothing} ${this.#column(wave, title, layout)}
      ${this.#hiddenNote(this.shown.waves.get(wave), count)}
    </div>`;
  }

  #side(wave: number, title: string | null, done: boolean, distance: number): TemplateResult {
    const count = this.#count(wave);
    const open = this.open.includes(wave);
    const near = distance <= 3 ? `near-${Math.max(1, distance)}` : 'far';
    const fold = open ? 'open' : done ? 'folded' : near;
    const shareText = share(count.completed, count.all);
    const name = nameOf(wave, title);
    const mark = !done
      ? glyph('issue-draft', 'st-pending')
      : count.completed === count.all
        ? glyph('pass', 'st-completed')
        : glyph('warning', 'st-lost');
    return html`<div class="wave side ${fold}" role="group" aria-label=${name}>
      <button
        class="slim"
        aria-expanded="false"
        data-fold=${wave}
        title=${name}
        @click=${() => {
          this.#fold(wave, true);
        }}
      >
        ${mark}<span class="vt num ell"
          ><span>${waveName(wave)}</span>${
            title === null ? nothing : html` <span class="dim">${title}</span>`
          }</span
        >
        <span class="num wcount ${shareText.length > 5 ? 'vt' : ''}">${shareText}</span>
        <span class="sr">${l10n.t('completed: show its tasks')}</span
        >${glyph('chevron-right', 'exp')}
      </button>
      <header class="wh">
        ${
          open
            ? html`<button
                class="ib"
                aria-expanded="true"
                aria-label=${l10n.t('Fold {0}', waveName(wave))}
                title=${l10n.t('Fold {0}', waveName(wave))}
                data-fold=${wave}
                @click=${() => {
                  this.#fold(wave, false);
                }}
              >
                ${glyph('chevron-left')}
              </button>`
            : nothing
        }
        ${heading(wave, title)}
        <span class="num wcount">${shareText}</span>
        <span class="wbar" aria-hidden="true">${fill(count)}</span>
      </header>
      ${this.#column(wave, title, 'list')}
    </div>`;
  }

  #column(wave: number, title: string | null, layout: Layout): TemplateResult {
    return html`<wl-column
      .wave=${this.shown.waves.get(wave)}
      .around=${this.around}
      .unseen=${this.unseen}
      .layout=${layout}
      .folded=${this.folded}
      .selected=${this.selected}
      .version=${this.version}
      .label=${l10n.t('Tasks of {0}', nameOf(wave, title))}
    ></wl-column>`;
  }

  #count(wave: number): Count {
    return this.around.scope.waves.get(wave)?.count ?? noCount;
  }

  /** What a filter hides is said in place. */
  #hiddenNote(shown: Wave | undefined, { all }: Count): TemplateResult | typeof nothing {
    let seen = shown?.count.all ?? 0;
    for (const state of this.unseen) seen -= shown?.count.state(state) ?? 0;
    const hidden = all - seen;
    if (hidden <= 0 || seen === 0) return nothing;
    return html`<p class="hid dim">
      ${glyph('filter')}<span class="ell"
        >${
          hidden === 1
            ? l10n.t('1 task is hidden by the filter')
            : l10n.t('{0} tasks are hidden by the filter', hidden)
        }</span
      >
    </p>`;
  }
}

const noCount = new Count();

const share = (completed: number, all: number): string => `${number(completed)}/${number(all)}`;

export const waveName = (wave: number): string =>
  wave === 0 ? l10n.t('Outside of waves') : l10n.t('Wave {0}', wave);

const nameOf = (wave: number, title: string | null): string =>
  title === null ? waveName(wave) : `${waveName(wave)} ${title}`;

const heading = (wave: number, title: string | null): TemplateResult =>
  html`<h3 class="ell num" title=${nameOf(wave, title)}>
    <span class=${title === null ? '' : 'dim'}>${waveName(wave)}</span>${
      title === null ? nothing : html` <b>${title}</b>`
    }
  </h3>`;

const lineHeads = (): TemplateResult =>
  html`<div class="lheads dim" aria-hidden="true">
    <span>${l10n.t('State')}</span><span>${l10n.t('Task')}</span><span>${l10n.t('Agent')}</span
    ><span class="r">${l10n.t('Attempt')}</span><span class="r">${l10n.t('Age')}</span>
  </div>`;
