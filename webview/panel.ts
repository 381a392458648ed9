/**
 * The run-state panel: what the store says, one section for each workflow, and the one thing a person may
 * do about it here. It holds no truth of its own; every picture is drawn from the last `state` message.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type {
  PanelState,
  PanelStore,
  PanelWorkflow,
  ToHost,
  ToPanel,
} from '../src/shared/protocol';
import { fill, glyph, type FoldEvent, type SayEvent } from './board';
import { describeControl } from './controls';
import { countWave } from './taskState';
import { words } from './words';

type Unnumbered<Message> = Message extends { request: number } ? Omit<Message, 'request'> : never;
/** A message that the host answers; the link numbers it. */
export type PanelRequest = Unnumbered<ToHost>;
export type PanelReply = Extract<ToPanel, { type: 'reply' }>;

/** Which waves are unfolded, by workflow. Outlives the panel being hidden. */
export type Unfolded = Record<string, number[]>;

/** The other end, as far as the panel is concerned. */
export interface PanelHost {
  request(message: PanelRequest): Promise<PanelReply>;
  load(): Unfolded;
  save(unfolded: Unfolded): void;
}

/** Waiting shorter than this is not shown: a flash of placeholders reads as a fault. */
const skeletonDelayMs = 150;

interface Advance {
  readonly off: boolean;
  readonly glyph: 'info' | 'warning';
  readonly reason: string;
}

type Asked = { readonly state: 'pending' } | { readonly state: 'refused'; readonly why: string };

export class Panel extends LitElement {
  static override properties = {
    host: { attribute: false },
    state: { attribute: false },
    slow: { state: true },
    said: { state: true },
    asked: { state: true },
    unfolded: { state: true },
  };
  declare host: PanelHost | null;
  declare state: PanelState | null;
  declare slow: boolean;
  declare said: string;
  declare asked: ReadonlyMap<string, Asked>;
  declare unfolded: Unfolded;

  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor() {
    super();
    this.host = null;
    this.state = null;
    this.slow = false;
    this.said = '';
    this.asked = new Map();
    this.unfolded = {};
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setTimeout(() => (this.slow = true), skeletonDelayMs);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('host') && this.host) this.unfolded = this.host.load();
    const before = changed.get('state');
    if (!before || !this.state) return;
    const earlier = new Map(before.workflows.map((workflow) => [workflow.key, workflow]));
    for (const workflow of this.state.workflows) {
      const was = earlier.get(workflow.key);
      if (!was || (was.wave === workflow.wave && was.completed === workflow.completed)) continue;
      this.#forget(workflow.key);
      this.said = workflow.completed
        ? words.said.completed(workflow.name)
        : words.said.advanced(workflow.name, workflow.wave, workflow.waveCount);
    }
  }

  protected override updated(): void {
    for (const control of this.querySelectorAll('.h-adv')) {
      const [reason, button] = [
        control.querySelector('.reason'),
        control.querySelector('vscode-button'),
      ];
      if (reason && button) describeControl(button, reason);
    }
  }

  #forget(key: string): void {
    const asked = new Map(this.asked);
    asked.delete(key);
    this.asked = asked;
  }

  async #advance(workflow: PanelWorkflow): Promise<void> {
    const { off, reason } = this.#mayAdvance(workflow);
    if (off || !this.host) {
      this.said = reason;
      return;
    }
    const { key, wave } = workflow;
    this.asked = new Map(this.asked).set(key, { state: 'pending' });
    const reply = await this.host.request({ type: 'advance', workflow: key, seen: wave });
    if (reply.ok) {
      // A state that shows the new wave usually came first and has cleared this already.
      if (this.asked.get(key)?.state === 'pending') this.#forget(key);
      return;
    }
    const why = reply.message ?? words.reason.refused;
    this.asked = new Map(this.asked).set(key, { state: 'refused', why });
    this.said = why;
  }

  async #open(workflow: PanelWorkflow, line: number): Promise<void> {
    const reply = await this.host?.request({ type: 'open', workflow: workflow.key, line });
    if (reply && !reply.ok && reply.message !== undefined) this.said = reply.message;
  }

  #fold(workflow: PanelWorkflow, event: FoldEvent): void {
    const others = (this.unfolded[workflow.key] ?? []).filter((wave) => wave !== event.wave);
    this.unfolded = {
      ...this.unfolded,
      [workflow.key]: event.open ? [...others, event.wave] : others,
    };
    this.host?.save(this.unfolded);
  }

  /** The host decides; this only spares a person a request that is sure to be refused. */
  #mayAdvance(workflow: PanelWorkflow): Advance {
    const store = this.state?.store.state ?? 'opening';
    const no = (reason: string, glyph: Advance['glyph'] = 'info') => ({ off: true, glyph, reason });
    if (store === 'failed') return no(words.reason.failed, 'warning');
    if (store !== 'live') return no(words.reason[store]);
    const { file, errors, wave } = workflow;
    if (errors.length > 0) return no(words.reason.invalid(file, errors.length), 'warning');
    if (workflow.completed) return no(words.reason.completed);
    const asked = this.asked.get(workflow.key);
    if (asked?.state === 'pending') return no(words.reason.advancing);
    const count = countWave(workflow.waves.find(({ number }) => number === wave));
    if (count.completed < count.all) return no(words.reason.incomplete(wave, count));
    if (asked) return { off: false, glyph: 'warning', reason: asked.why };
    const reason =
      wave === 0
        ? words.reason.first
        : wave >= workflow.waveCount
          ? words.reason.last(count.all)
          : words.reason.ready(wave, count.all);
    return { off: false, glyph: 'info', reason };
  }

  protected override render(): TemplateResult {
    return html`<div class="app">
      ${this.#body()}
      <div class="sr" role="status" data-said>${this.said}</div>
    </div>`;
  }

  #body(): TemplateResult {
    const { state } = this;
    if (!state || (state.store.state === 'opening' && state.workflows.length === 0)) {
      return this.slow ? skeleton() : html`<main class="panel"></main>`;
    }
    const { store, workflows } = state;
    if (workflows.length === 0) return emptyPanel(store);
    const several = workflows.length > 1;
    return html`<main class="panel ${several ? 'several' : ''}" @wl-say=${this.#hear}>
      <h1 class="sr">${words.panel}</h1>
      ${
        several
          ? html`<div class="top">
              <span class="num dim">${words.workflows(workflows.length)}</span>${live(store)}
            </div>`
          : nothing
      }
      ${banner(store)}
      ${repeat(
        workflows,
        (workflow) => workflow.key,
        (workflow, index) => this.#section(workflow, `w${index}-`, several ? null : store),
      )}
    </main>`;
  }

  readonly #hear = (event: SayEvent) => {
    this.said = event.text;
  };

  #section(workflow: PanelWorkflow, prefix: string, store: PanelStore | null): TemplateResult {
    const advance = this.#mayAdvance(workflow);
    return html`<section class="workflow" aria-labelledby="${prefix}name">
      <header class="head">
        <div class="h-row">
          <div class="h-id">
            <h2 id="${prefix}name" class="ell" title=${workflow.name}>${workflow.name}</h2>
            ${
              workflow.id === null
                ? nothing
                : html`<span class="mono dim ell wid" title=${workflow.id}>${workflow.id}</span>`
            }
            <button
              class="link mono ell file"
              title=${words.openFile(workflow.file)}
              @click=${() => this.#open(workflow, 0)}
            >
              ${workflow.file}
            </button>
            ${holder(workflow)}
          </div>
          ${store ? live(store) : nothing}
        </div>
        <div class="h-row h-act">
          ${workflow.waves.length > 0 ? progress(workflow) : nothing}
          <div class="h-adv">
            <p class="reason">
              ${glyph(advance.glyph, advance.glyph === 'warning' ? 'st-lost' : '')}<span
                class="ell"
                title=${advance.reason}
                >${advance.reason}</span
              >
            </p>
            <vscode-button
              class=${advance.off ? 'off' : ''}
              appearance="primary"
              .ariaDisabled=${String(advance.off)}
              @click=${() => this.#advance(workflow)}
              >${glyph('debug-step-over')}${words.advance}</vscode-button
            >
          </div>
        </div>
      </header>
      ${workflow.errors.length > 0 ? this.#problems(workflow, prefix) : nothing}
      ${
        workflow.waves.length > 0
          ? html`<wl-board
              .workflow=${workflow}
              .open=${this.unfolded[workflow.key] ?? []}
              .prefix=${prefix}
              @wl-fold=${(event: FoldEvent) => {
                this.#fold(workflow, event);
              }}
            ></wl-board>`
          : nothing
      }
    </section>`;
  }

  #problems(workflow: PanelWorkflow, prefix: string): TemplateResult {
    return html`<div class="problems" role="group" aria-labelledby="${prefix}problems">
      <h3 id="${prefix}problems" class="ell">
        ${glyph('error', 'st-error')}<span
          >${words.problems(workflow.file, workflow.errors.length)}</span
        >
      </h3>
      <ul>
        ${workflow.errors.map(
          (problem) =>
            html`<li>
              <button class="problem" @click=${() => this.#open(workflow, problem.line)}>
                <span class="num link">${words.line(problem.line)}</span
                ><span class="ell" title=${problem.message}>${problem.message}</span
                ><span class="mono code ell">${problem.code}</span>
              </button>
            </li>`,
        )}
      </ul>
    </div>`;
  }
}

const liveLooks: { readonly [State in PanelStore['state']]: readonly [string, string] } = {
  opening: ['sync', ''],
  live: ['broadcast', 'st-completed'],
  failed: ['warning', 'st-lost'],
  untrusted: ['shield', ''],
};

/** Only the word is announced: a number that ticks would never stop talking. */
function live(store: PanelStore): TemplateResult {
  const [name, hue] = liveLooks[store.state];
  return html`<span class="live"
    >${glyph(name, hue)}<span class="word" role="status">${words.live[store.state]}</span>${
      store.state === 'live'
        ? html`<span class="num dim seq">${words.seq(store.seq)}</span>`
        : nothing
    }</span
  >`;
}

function progress(workflow: PanelWorkflow): TemplateResult {
  const counts = workflow.waves.map((wave) => ({ number: wave.number, ...countWave(wave) }));
  const completed = counts.reduce((sum, count) => sum + count.completed, 0);
  const all = counts.reduce((sum, count) => sum + count.all, 0);
  const isCurrent = (wave: number) => wave === workflow.wave && !workflow.completed;
  return html`<div class="h-prog">
    <span class="strong num wx">${words.waveOf(workflow.wave, workflow.waveCount)}</span>
    <span class="segs" role="img" aria-label=${words.progress(counts)}>
      ${counts.map(
        (count) =>
          html`<span
            class="seg ${isCurrent(count.number) ? 'cur' : ''}"
            .style=${`flex-grow:${Math.max(1, count.all)}`}
            >${fill(count)}</span
          >`,
      )}
    </span>
    <span class="num dim">${words.tasks(completed, all)}</span>
  </div>`;
}

function banner(store: PanelStore): TemplateResult | typeof nothing {
  if (store.state !== 'failed') return nothing;
  return html`<div class="banner" role="alert">
    ${glyph('warning', 'st-lost')}
    <p>
      <b>${words.failed.title}</b> ${store.message} ${words.failed.note}
      <span class="mono">${store.code}</span>
    </p>
  </div>`;
}

function holder({ holder }: PanelWorkflow): TemplateResult | typeof nothing {
  if (!holder) return nothing;
  const who = holder.mine ? words.heldByYou : words.held(holder.name);
  return html`<span class="held ell" title="${who} ${words.since(holder.since)}"
    >${glyph('lock', holder.mine ? 'st-running' : '')}<span class="ell"
      >${who} <span class="num dim">${words.since(holder.since)}</span></span
    ></span
  >`;
}

function emptyPanel(store: PanelStore): TemplateResult {
  const untrusted = store.state === 'untrusted';
  return html`<main class="panel">
    <h1 class="sr">${words.panel}</h1>
    ${banner(store)}
    <div class="blank">
      <div>
        ${glyph(untrusted ? 'shield' : 'layers', 'hero')}
        ${
          untrusted
            ? html`<h2>${words.untrusted.title}</h2>
                <p>${words.untrusted.note}</p>`
            : store.state === 'failed'
              ? html`<h2>${words.emptyFailed.title}</h2>
                  <p>${words.failed.note}</p>`
              : html`<h2>${words.empty.title}</h2>
                  <p>
                    ${words.empty.before}<span class="mono">${words.empty.file}</span
                    >${words.empty.after}
                  </p>`
        }
      </div>
    </div>
  </main>`;
}

function skeleton(): TemplateResult {
  const bar = (size: string) => html`<span class="sk ${size}"></span>`;
  const cards = Array.from(
    { length: 6 },
    () => html`<div class="card">${bar('w80')}${bar('w40')}</div>`,
  );
  return html`<main class="panel">
    <h1 class="sr">${words.panel}</h1>
    <p class="sr" role="status">${words.said.opening}</p>
    <div class="loading" aria-hidden="true">
      <div class="lh">${bar('title')}${bar('w40')}</div>
      <div class="board">
        <div class="wave side folded"><div class="sk column"></div></div>
        <div class="wave current">
          <div class="wh">${bar('word')}</div>
          <div class="wbody"><div class="cards">${cards}</div></div>
        </div>
        <div class="wave side near-1">
          <div class="wh">${bar('word')}</div>
          <div class="wbody">${bar('row')}${bar('row')}${bar('row')}</div>
        </div>
      </div>
    </div>
  </main>`;
}
