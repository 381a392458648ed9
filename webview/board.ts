/**
 * The waves of one workflow, side by side: finished ones folded, the current one wide with a card for each
 * open task, the next ones as lists.
 *
 * Tasks are not clickable yet. They take focus so that the board can be read with the arrow keys: each wave
 * is one tab stop. A task that changes its group on an update is a new element, so the board hands the focus
 * over by task id.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { PanelTask, PanelWave, PanelWorkflow } from '../src/shared/protocol';
import {
  countWave,
  isUnticked,
  stateLooks,
  taskGroups,
  taskState,
  taskStates,
  type TaskState,
  type WaveCount,
} from './taskState';
import { words } from './words';

export const glyph = (name: string, hue = '') =>
  html`<i class="codicon codicon-${name} ${hue}" aria-hidden="true"></i>`;

/** Beyond this many tasks in a wave, lines serve better than cards. */
const cardLimit = 500;

/** Asks for a wave to be unfolded or folded again; the panel keeps which ones are. */
export class FoldEvent extends Event {
  constructor(
    readonly wave: number,
    readonly open: boolean,
  ) {
    super('wl-fold', { bubbles: true });
  }
}

/** Something worth saying to a person who does not see the board. */
export class SayEvent extends Event {
  constructor(readonly text: string) {
    super('wl-say', { bubbles: true });
  }
}

interface Focused {
  readonly wave: string;
  readonly task: string;
  readonly state: TaskState | undefined;
}

export class Board extends LitElement {
  static override properties = {
    workflow: { attribute: false },
    open: { attribute: false },
    prefix: { attribute: false },
  };
  declare workflow: PanelWorkflow;
  /** Waves that the person has unfolded. */
  declare open: readonly number[];
  /** Makes element ids unique among several boards. */
  declare prefix: string;

  /** The tab stop of each wave, by task id. */
  readonly #stops = new Map<number, string>();
  #focused: Focused | null = null;
  #focusWave: number | null = null;

  constructor() {
    super();
    this.open = [];
    this.prefix = '';
    this.addEventListener('keydown', (event) => {
      this.#move(event);
    });
    this.addEventListener('focusin', (event) => {
      this.#rememberStop(event);
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(): void {
    const focused = taskElement(document.activeElement);
    this.#focused =
      focused && this.contains(focused)
        ? {
            wave: focused.dataset['wave'] ?? '',
            task: focused.dataset['task'] ?? '',
            state: focused.dataset['state'] as TaskState | undefined,
          }
        : null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (this.#focusWave !== null) {
      const buttons = this.querySelectorAll<HTMLElement>(`[data-fold="${this.#focusWave}"]`);
      [...buttons].find(isShown)?.focus();
      this.#focusWave = null;
    }
    if (this.#focused && changed.has('workflow')) this.#restoreFocus(this.#focused);
  }

  #restoreFocus(focused: Focused): void {
    const items = this.querySelectorAll<HTMLElement>(`li[data-wave="${CSS.escape(focused.wave)}"]`);
    const item = [...items].find((candidate) => candidate.dataset['task'] === focused.task);
    if (item && isShown(item)) {
      if (document.activeElement !== item) item.focus();
      const state = item.dataset['state'] as TaskState | undefined;
      if (state !== undefined && state !== focused.state) {
        this.dispatchEvent(new SayEvent(words.said.moved(focused.task, words.state[state])));
      }
      return;
    }
    // Its wave has been folded, or the task is gone: stay as near as can be.
    const near = this.querySelectorAll<HTMLElement>(
      `[data-fold="${CSS.escape(focused.wave)}"], li[data-task]`,
    );
    [...near].find(isShown)?.focus();
  }

  #rememberStop(event: FocusEvent): void {
    const item = taskElement(event.target);
    const { wave, task } = item?.dataset ?? {};
    if (wave === undefined || task === undefined) return;
    if (this.#stops.get(Number(wave)) === task) return;
    this.#stops.set(Number(wave), task);
    this.requestUpdate();
  }

  #fold(wave: number, open: boolean): void {
    this.#focusWave = wave;
    this.dispatchEvent(new FoldEvent(wave, open));
  }

  #move(event: KeyboardEvent): void {
    const from = taskElement(event.target);
    if (!from || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const wave = from.closest('.wave');
    if (!wave) return;
    const items = [...wave.querySelectorAll<HTMLElement>('li[data-task]')];
    const to = target(event.key, from, items) ?? this.#besideWave(event.key, wave);
    if (!to) return;
    event.preventDefault();
    to.focus();
  }

  #besideWave(key: string, wave: Element): HTMLElement | undefined {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return undefined;
    const stops = [...this.querySelectorAll<HTMLElement>('li[data-task][tabindex="0"]')].filter(
      isShown,
    );
    const here = stops.findIndex((stop) => wave.contains(stop));
    return stops[here + (key === 'ArrowLeft' ? -1 : 1)];
  }

  protected override render(): TemplateResult {
    const { workflow } = this;
    const wide = workflow.completed ? 0 : Math.max(1, workflow.wave);
    return html`<div class="board">
      ${repeat(
        workflow.waves,
        (wave) => wave.number,
        (wave) => {
          if (wave.number === wide) return this.#currentWave(wave, workflow.wave === wide);
          const done = workflow.completed || wave.number < wide;
          return this.#sideWave(wave, done, wave.number - wide);
        },
      )}
      ${workflow.completed ? this.#completed() : nothing}
    </div>`;
  }

  #completed(): TemplateResult {
    const counts = this.workflow.waves.map(countWave);
    const sum = (pick: (count: WaveCount) => number) =>
      counts.reduce((total, count) => total + pick(count), 0);
    return html`<div class="blank finished">
      <div>
        ${glyph('pass', 'hero st-completed')}
        <h3>${words.completed.title}</h3>
        <p>
          ${words.completed.note(
            sum((count) => count.completed),
            sum((count) => count.all),
            counts.length,
          )}
        </p>
      </div>
    </div>`;
  }

  #currentWave(wave: PanelWave, started: boolean): TemplateResult {
    const id = `${this.prefix}wave-${wave.number}`;
    const count = countWave(wave);
    const stop = this.#stopOf(wave);
    const lines = wave.tasks.length > cardLimit;
    return html`<div class="wave current" role="group" aria-labelledby=${id}>
      <header class="wh">
        <h3 id=${id} class="ell num">${words.wave(wave.number)}</h3>
        <span class="now">${started ? words.current : words.startsNext}</span>
        <span class="num wcount">${words.share(count.completed, count.all)}</span>
        <span class="wbar" aria-hidden="true">${fill(count)}</span>
      </header>
      <div class="wbody">
        ${wave.tasks.length === 0 ? html`<p class="none dim">${words.noTasks}</p>` : nothing}
        ${taskGroups.map((group) => {
          const tasks = wave.tasks.filter((task) => stateLooks[taskState(task)].group === group);
          if (tasks.length === 0) return nothing;
          const asLines = lines || group === 'completed';
          return html`<h4 class="gh">
              <span>${words.group[group]}</span
              ><span class="num">${words.number(tasks.length)}</span>
            </h4>
            <ol class=${asLines ? 'rows' : 'cards'}>
              ${repeat(tasks, taskKey, (task) =>
                asLines ? line(wave.number, task, stop) : card(wave.number, task, stop),
              )}
            </ol>`;
        })}
      </div>
    </div>`;
  }

  #sideWave(wave: PanelWave, done: boolean, distance: number): TemplateResult {
    const id = `${this.prefix}wave-${wave.number}`;
    const count = countWave(wave);
    const open = this.open.includes(wave.number);
    const near = distance <= 3 ? `near-${distance}` : 'far';
    const fold = open ? 'open' : done ? 'folded' : near;
    const share = words.share(count.completed, count.all);
    const mark = !done
      ? glyph('issue-draft', 'st-pending')
      : count.completed === count.all
        ? glyph('pass', 'st-completed')
        : glyph('warning', 'st-lost');
    return html`<div class="wave side ${fold}" role="group" aria-labelledby=${id}>
      <button
        class="slim"
        aria-expanded="false"
        data-fold=${wave.number}
        @click=${() => {
          this.#fold(wave.number, true);
        }}
      >
        ${mark}<span class="vt num">${words.wave(wave.number)}</span>
        <span class="num wcount ${share.length > 5 ? 'vt' : ''}">${share}</span>
        <span class="sr">${words.showTasks}</span>${glyph('chevron-right', 'exp')}
      </button>
      <header class="wh">
        ${
          open
            ? html`<button
                class="ib"
                aria-expanded="true"
                aria-label=${words.foldWave(wave.number)}
                title=${words.foldWave(wave.number)}
                data-fold=${wave.number}
                @click=${() => {
                  this.#fold(wave.number, false);
                }}
              >
                ${glyph('chevron-left')}
              </button>`
            : nothing
        }
        <h3 id=${id} class="ell num">${words.wave(wave.number)}</h3>
        <span class="num wcount">${share}</span>
        <span class="wbar" aria-hidden="true">${fill(count)}</span>
      </header>
      <div class="wbody">${this.#lists(wave)}</div>
    </div>`;
  }

  /** One list for each state, so that the word stands once above its tasks. */
  #lists(wave: PanelWave): TemplateResult | TemplateResult[] {
    if (wave.tasks.length === 0) return html`<p class="none dim">${words.noTasks}</p>`;
    const stop = this.#stopOf(wave, taskStates);
    return taskStates.flatMap((state) => {
      const tasks = wave.tasks.filter((task) => taskState(task) === state);
      if (tasks.length === 0) return [];
      return [
        html`<h4 class="gh">
            <span class="state">${stateGlyph(state)}<span>${words.state[state]}</span></span>
            <span class="num">${words.number(tasks.length)}</span>
          </h4>
          <ol class="rows">
            ${repeat(tasks, taskKey, (task) => line(wave.number, task, stop))}
          </ol>`,
      ];
    });
  }

  /** The task that Tab reaches: the one last focused, else the first as they stand on the board. */
  #stopOf(wave: PanelWave, order?: readonly TaskState[]): string | undefined {
    const stop = this.#stops.get(wave.number);
    if (stop !== undefined && wave.tasks.some((task) => task.id === stop)) return stop;
    const rank = (task: PanelTask) =>
      order
        ? order.indexOf(taskState(task))
        : taskGroups.indexOf(stateLooks[taskState(task)].group);
    let first: PanelTask | undefined;
    for (const task of wave.tasks) if (!first || rank(task) < rank(first)) first = task;
    return first?.id;
  }
}

const taskKey = (task: PanelTask) => task.id;

const taskElement = (node: unknown): HTMLElement | null =>
  node instanceof HTMLElement ? node.closest<HTMLElement>('li[data-task]') : null;

const isShown = (element: HTMLElement) => element.getClientRects().length > 0;

const stateGlyph = (state: TaskState) => glyph(stateLooks[state].glyph, `st-${state}`);

const stateWord = (task: PanelTask, state: TaskState) =>
  isUnticked(task) ? words.unticked : words.state[state];

const percent = (part: number, all: number) => (all === 0 ? 0 : (100 * part) / all);

/** Completed solid, running hatched; set as a property because the content policy forbids style attributes. */
export const fill = (count: WaveCount) =>
  html`<b class="f-done" .style=${`width:${percent(count.completed, count.all)}%`}></b
    ><b class="f-run" .style=${`width:${percent(count.running, count.all)}%`}></b>`;

function attempt(task: PanelTask): TemplateResult | typeof nothing {
  if (!task.run || task.run.attempt < 2) return nothing;
  return html`<span class="att num"
    >${glyph('debug-restart')}${words.attempt(task.run.attempt)}</span
  >`;
}

function card(wave: number, task: PanelTask, stop: string | undefined): TemplateResult {
  const state = taskState(task);
  return html`<li
    class="card"
    tabindex=${task.id === stop ? 0 : -1}
    data-wave=${wave}
    data-task=${task.id}
    data-state=${state}
  >
    <div class="r1">
      ${stateGlyph(state)}<span class="id num ell" title=${task.id}>${task.id}</span
      ><span class="ell" title=${task.description}>${task.description}</span>
    </div>
    <div class="r2"><span class="word">${stateWord(task, state)}</span>${attempt(task)}</div>
  </li>`;
}

function line(wave: number, task: PanelTask, stop: string | undefined): TemplateResult {
  const state = taskState(task);
  return html`<li
    class="trow"
    tabindex=${task.id === stop ? 0 : -1}
    data-wave=${wave}
    data-task=${task.id}
    data-state=${state}
  >
    ${stateGlyph(state)}<span class="id num ell" title=${task.id}>${task.id}</span
    ><span class="ell" title=${task.description}>${task.description}</span
    ><span class="tail">${attempt(task)}<span class="word">${stateWord(task, state)}</span></span>
  </li>`;
}

/** Where a key leads inside one wave, by what the eye sees: cards stand abreast, lines do not. */
function target(key: string, from: HTMLElement, items: HTMLElement[]): HTMLElement | undefined {
  if (key === 'Home') return items[0];
  if (key === 'End') return items.at(-1);
  const here = from.getBoundingClientRect();
  const index = items.indexOf(from);
  const sameRow = (item: HTMLElement | undefined) =>
    item && Math.abs(item.getBoundingClientRect().top - here.top) < 2 ? item : undefined;
  switch (key) {
    case 'ArrowRight':
      return sameRow(items[index + 1]);
    case 'ArrowLeft':
      return sameRow(items[index - 1]);
    case 'ArrowDown':
    case 'ArrowUp': {
      const step = key === 'ArrowDown' ? 1 : -1;
      let next = index + step;
      while (sameRow(items[next])) next += step;
      const row = items[next]?.getBoundingClientRect().top;
      let best = items[next];
      for (let i = next; row !== undefined && i in items; i += step) {
        const item = items[i];
        const place = item?.getBoundingClientRect();
        if (!item || !place || Math.abs(place.top - row) >= 2) break;
        if (Math.abs(place.left - here.left) < 2) best = item;
      }
      return best;
    }
    default:
      return undefined;
  }
}
