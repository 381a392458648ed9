/** The details of one item: is it alive, on what evidence, and what may be done now. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { PanelRun, PanelWorkflow, RunDetails } from '../src/shared/protocol';
import { itemActions, type Action } from './actions';
import { countdown, dateAndTime, duration, l10n, number, timeWithSeconds } from './l10n';
import { DoEvent, focusLost, glyph, iconButton, SelectEvent, stateGlyph } from './parts';
import {
  ageOf,
  attemptShare,
  itemWord,
  noteOf,
  runName,
  staleNote,
  stateWord,
  type Around,
} from './say';
import { titleOf, type Item } from './scope';
import { isLive } from './states';
import { keyOfRun } from './model';

export class Drawer extends LitElement {
  static override properties = {
    item: { attribute: false },
    around: { attribute: false },
    workflow: { attribute: false },
    details: { attribute: false },
    version: { attribute: false },
    asking: { state: true },
  };
  declare item: Item;
  declare around: Around;
  declare workflow: PanelWorkflow | null;
  /** What the host has told of its run; undefined while it is asked. */
  declare details: RunDetails | undefined;
  declare version: unknown;
  declare asking: Action | null;

  constructor() {
    super();
    this.workflow = null;
    this.asking = null;
    this.addEventListener('wl-asked', () => {
      this.asking = null;
      void this.updateComplete.then(() => this.querySelector<HTMLElement>('.acts button')?.focus());
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('item');
    if (before && before.key !== this.item.key) this.asking = null;
  }

  /** A button that has gone takes the focus with it. */
  protected override updated(): void {
    if (this.#hadFocus && focusLost()) this.focusTitle();
    this.#hadFocus = this.contains(document.activeElement);
  }
  #hadFocus = false;

  focusTitle(): void {
    this.querySelector<HTMLElement>('h2')?.focus();
  }

  protected override render(): TemplateResult {
    const { item, around } = this;
    const { run, task } = item;
    return html`<section class="drawer" aria-labelledby="drawer-title">
      <header class="dh">
        <div class="dh1">
          <span class="state">${stateGlyph(item.bucket)}<b>${itemWord(item)}</b></span>
          ${
            item.stale
              ? html`<span class="state">${glyph('warning', 'st-lost')}${l10n.t('Stale')}</span>`
              : nothing
          }
          <span class="spring"></span>${this.#copies(run)}
          ${iconButton({
            icon: 'close',
            label: l10n.t('Close details'),
            act: () => this.dispatchEvent(new CustomEvent('wl-close', { bubbles: true })),
          })}
        </div>
        <h2 id="drawer-title" tabindex="-1">
          ${task ? html`<span class="num id">${task.id}</span> ` : nothing}${
            this.details?.title !== undefined && !task ? this.details.title : titleOf(item)
          }
        </h2>
        <p class="dmeta">
          ${run ? html`<span class="mono">${run.id}</span>` : nothing}
          ${run?.agent ? html`<span class="ell" title=${run.agent}>${run.agent}</span>` : nothing}
          ${
            run
              ? html`<span class="num">${l10n.t('attempt {0}', attemptShare(run))}</span>
                  <span class="num">${ageOf(item, around.now)}</span>`
              : nothing
          }
        </p>
      </header>
      <div class="dscroll">
        ${this.#actions()} ${this.#lease()} ${this.#why()} ${this.#text()} ${this.#history()}
        ${this.#dependencies()} ${this.#locks()}
      </div>
    </section>`;
  }

  #copies(run: PanelRun | null): TemplateResult | typeof nothing {
    if (!run) return nothing;
    const { store } = this.around.scope;
    const copy = (what: 'id' | 'link' | 'summary') => () =>
      this.dispatchEvent(new DoEvent({ type: 'copy', store, run: run.id, what }));
    return html`${iconButton({ icon: 'copy', label: l10n.t('Copy run id'), act: copy('id') })}
    ${iconButton({ icon: 'link', label: l10n.t('Copy link to run'), act: copy('link') })}
    ${iconButton({ icon: 'note', label: l10n.t('Copy summary'), act: copy('summary') })}`;
  }

  #actions(): TemplateResult {
    const { item, around, workflow } = this;
    const actions = itemActions(item, around.scope, around.model, workflow);
    const own = actions.filter(({ id }) => !id.startsWith('task-'));
    const boxes = actions.filter(({ id }) => id.startsWith('task-'));
    const button = (action: Action) =>
      html`<button
        class="btn ${action.primary ? 'primary' : ''}"
        data-act=${action.id}
        @click=${() => {
          if (action.asks === 'no') this.dispatchEvent(new DoEvent(action.wish('')));
          else this.asking = action;
        }}
      >
        ${glyph(action.icon)}${action.label}
      </button>`;
    const open =
      item.task && workflow
        ? html`<button
            class="btn"
            data-act="open"
            @click=${() =>
              this.dispatchEvent(
                new DoEvent({ type: 'open', workflow: workflow.key, task: item.task?.id ?? '' }),
              )}
          >
            ${glyph('go-to-file')}${l10n.t('Open in file')}
          </button>`
        : nothing;
    return html`<div class="acts" role="group" aria-label=${l10n.t('Actions')}>
      ${
        this.asking
          ? html`<wl-ask
              .action=${this.asking}
              .about=${l10n.t('Kill {0}', item.run?.id ?? '')}
            ></wl-ask>`
          : html`${own.map(button)}${open}`
      }
      ${
        item.run && isLive(item.run) && item.run.status === 'running' && !this.asking
          ? html`<p class="dim">
              ${l10n.t('Complete and Fail belong to whoever holds the claim.')}
            </p>`
          : nothing
      }
      ${
        boxes.length > 0 && !this.asking
          ? html`<div class="boxes">
              ${boxes.map(
                (action) =>
                  html`<button
                    class="link"
                    data-act=${action.id}
                    @click=${() => this.dispatchEvent(new DoEvent(action.wish('')))}
                  >
                    ${action.label}
                  </button>`,
              )}
            </div>`
          : nothing
      }
    </div>`;
  }

  #lease(): TemplateResult | typeof nothing {
    const { run } = this.item;
    const { now } = this.around;
    if (run?.status !== 'running' || run.leaseUntil === null || run.beatAt === null) return nothing;
    const left = run.leaseUntil - now;
    const share = Math.max(0, Math.min(1, left / Math.max(1, run.leaseMs)));
    return html`<div class="ds">
      <h3>${l10n.t('Lease')}</h3>
      <div class="lease">
        <span class="lbar ${share < 0.25 ? 'low' : ''}" aria-hidden="true"
          ><b .style=${`width:${100 * share}%`}></b
        ></span>
        <span class="num"
          >${
            left > 0
              ? html`<b>${countdown(left)}</b> ${l10n.t('of {0} left', countdown(run.leaseMs))}`
              : html`<b>${l10n.t('over')}</b> ${l10n.t('for {0}', duration(-left))}`
          }</span
        >
      </div>
      <dl class="kv">
        <dt>${l10n.t('Last heartbeat')}</dt>
        <dd class="num">
          ${l10n.t('{0}, {1} ago', timeWithSeconds(run.beatAt), duration(now - run.beatAt))}
        </dd>
        <dt>${l10n.t('Claim')}</dt>
        <dd class="num">
          ${l10n.t('number {0}, until {1}', this.details?.epoch ?? 1, timeWithSeconds(run.leaseUntil))}
        </dd>
      </dl>
    </div>`;
  }

  /** What speaks for and against its being alive; or on what it was judged. */
  #why(): TemplateResult | typeof nothing {
    const { run, stale } = this.item;
    const { details } = this;
    if (!run) return nothing;
    const facts = stale || run.status === 'running' ? this.#signs(run) : this.#judged(details);
    if (facts.length === 0) return nothing;
    const title = stale
      ? l10n.t('Why it looks stale')
      : run.status === 'running'
        ? l10n.t('Signs of life')
        : l10n.t('On what evidence');
    return html`<div class="ds">
      <h3>${title}</h3>
      <ul class="evid">
        ${facts.map(
          ({ icon, hue, text, more }) =>
            html`<li>
              ${glyph(icon, hue)}<span>${text}</span><span class="dim num">${more}</span>
            </li>`,
        )}
      </ul>
    </div>`;
  }

  #signs(run: PanelRun): Sign[] {
    const { now } = this.around;
    const { process } = this.details ?? {};
    const signs: Sign[] = [];
    if (process) {
      const text = {
        alive: l10n.t('Process {0} is alive', String(process.pid)),
        gone: l10n.t('Process {0} is gone', String(process.pid)),
        unknown: l10n.t('Process {0} cannot be seen from here', String(process.pid)),
      }[process.liveness];
      const more = process.here ? l10n.t('on this machine') : l10n.t('on {0}', process.host);
      const [icon, hue] = signLooks[process.liveness];
      signs.push({ icon, hue, text, more });
    }
    if (run.beatAt !== null) {
      const late = this.item.stale;
      signs.push({
        icon: late ? 'warning' : 'pass',
        hue: late ? 'st-lost' : 'st-completed',
        text: late ? staleNote(run, now) : l10n.t('Heartbeat {0} ago', duration(now - run.beatAt)),
        more: l10n.t('lease {0}', duration(run.leaseMs)),
      });
    }
    if (run.host !== null && !process) {
      signs.push({
        icon: 'info',
        hue: '',
        text: l10n.t('Claimed on {0}', run.host),
        more: l10n.t('no process to look at'),
      });
    }
    if (run.stop !== null) {
      signs.push({
        icon: 'circle-slash',
        hue: '',
        text: run.stop === 'kill' ? l10n.t('Told to stop at once') : l10n.t('Asked to stop'),
        more: l10n.t('heard at its next heartbeat'),
      });
    }
    return signs;
  }

  #judged(details: RunDetails | undefined): Sign[] {
    const evidence = details?.evidence;
    if (!evidence) return [];
    const signs: Sign[] = [];
    const [icon, hue] = signLooks[evidence.process];
    signs.push({
      icon,
      hue,
      text: {
        alive: l10n.t('Its process was alive'),
        gone: l10n.t('Its process was gone'),
        unknown: l10n.t('Its process could not be seen'),
      }[evidence.process],
      more: l10n.t('on {0}', evidence.host),
    });
    signs.push({
      icon: 'watch',
      hue: '',
      text: {
        'same-boot': l10n.t('By the clock of the same machine'),
        'other-boot': l10n.t('The machine was started anew since'),
        'other-host': l10n.t('By how long another machine saw no sign'),
        'server-time': l10n.t('By the clock of the server'),
        'process-gone': l10n.t('A process that is gone needs no clock'),
        forced: l10n.t('By word of a person'),
      }[evidence.rule],
      more:
        evidence.ageMs === null
          ? ''
          : l10n.t('{0} of {1}', duration(evidence.ageMs), duration(evidence.ttlMs)),
    });
    return signs;
  }

  #text(): TemplateResult | typeof nothing {
    const { details } = this;
    const note = noteOf(this.item, this.around);
    if (!details) {
      return note === null || this.item.stale
        ? nothing
        : html`<div class="ds">
            <h3>${l10n.t('Why')}</h3>
            <p class="said">${note}</p>
          </div>`;
    }
    const texts: [string, string | null][] = [
      [l10n.t('Error'), details.error],
      [l10n.t('Reason'), details.reason],
      [l10n.t('Note for the next attempt'), details.handoff],
      [l10n.t('Result'), details.result],
    ];
    const { run } = this.item;
    return html`${texts.map(([title, text]) =>
      text === null || text === ''
        ? nothing
        : html`<div class="ds">
            <h3>${title}</h3>
            <p class="said mono" tabindex="0">${text}</p>
          </div>`,
    )}
    ${
      details.links.length > 0 && run
        ? html`<div class="ds">
            <h3>${l10n.t('Links')}</h3>
            <ul class="evid">
              ${details.links.map(
                ({ kind, target }) =>
                  html`<li>
                    ${glyph(kind === 'log' ? 'output' : 'link-external')}<button
                      class="link ell"
                      title=${target}
                      @click=${() =>
                        this.dispatchEvent(
                          new DoEvent({
                            type: 'link',
                            store: this.around.scope.store,
                            run: run.id,
                            target,
                          }),
                        )}
                    >
                      ${target}</button
                    ><span class="dim">${kind}</span>
                  </li>`,
              )}
            </ul>
          </div>`
        : nothing
    }`;
  }

  #history(): TemplateResult | typeof nothing {
    const { scope, model, now } = this.around;
    const attempts = model.attemptsOf(scope, this.item.key);
    if (attempts.length === 0) return nothing;
    const steps = attempts.flatMap((run) => stepsOf(run, now)).reverse();
    const shown = steps.slice(0, 24);
    return html`<div class="ds">
      <h3>${l10n.t('State history')}<span class="num">${number(steps.length)}</span></h3>
      <ol class="hist">
        ${shown.map(
          ({ glyph: mark, word, text, at }) =>
            html`<li>
              ${mark}<span>${word}</span><span class="dim ell" title=${text}>${text}</span
              ><span class="num" title=${dateAndTime(at)}>${timeWithSeconds(at)}</span>
            </li>`,
        )}
      </ol>
    </div>`;
  }

  #dependencies(): TemplateResult | typeof nothing {
    const needs = needsOf(this.item, this.around);
    const feeds = feedsOf(this.item, this.around);
    const all = needs.length + feeds.length;
    if (all === 0) return nothing;
    const list = (title: string, items: readonly Neighbour[]) =>
      items.length === 0
        ? nothing
        : html`<div class="dg">
            <h4>${title}</h4>
            <ul>
              ${items
                .slice(0, 30)
                .map(
                  (it) =>
                    html`<li>
                      ${
                        it.item
                          ? html`<button
                              class="deprow"
                              @click=${() => this.dispatchEvent(new SelectEvent(it.key))}
                            >
                              ${stateGlyph(it.item.bucket)}<span class="num id ell">${it.name}</span
                              ><span class="ell">${it.item.task ? titleOf(it.item) : ''}</span
                              ><span class="word">${itemWord(it.item)}</span>
                            </button>`
                          : html`<span class="deprow"
                              >${glyph('question')}<span class="num id ell">${it.name}</span
                              ><span></span><span class="word">${l10n.t('Gone')}</span></span
                            >`
                      }
                    </li>`,
                )}
            </ul>
          </div>`;
    return html`<div class="ds">
      <h3>${l10n.t('Dependencies')}<span class="num">${needs.length} + ${feeds.length}</span></h3>
      ${list(l10n.t('Needs'), needs)} ${list(l10n.t('Feeds'), feeds)}
    </div>`;
  }

  #locks(): TemplateResult | typeof nothing {
    const { run } = this.item;
    const { model, scope } = this.around;
    const rows = model.rows.get(scope.store);
    if (run?.status !== 'running' || !rows) return nothing;
    const held = [...rows.locks.values()].filter(({ agent }) => agent === run.agent);
    if (held.length === 0) return nothing;
    return html`<div class="ds">
      <h3>${l10n.t('Locks of its agent')}<span class="num">${number(held.length)}</span></h3>
      <ul class="evid">
        ${held
          .slice(0, 20)
          .map(
            (lock) =>
              html`<li>
                ${glyph('lock')}<span class="mono ell" title=${lock.resource}>${lock.resource}</span
                ><span class="dim"
                  >${lock.mode === 'write' ? l10n.t('Write') : l10n.t('Read')}</span
                >
              </li>`,
          )}
      </ul>
    </div>`;
  }
}

interface Sign {
  readonly icon: string;
  readonly hue: string;
  readonly text: string;
  readonly more: string;
}

const signLooks = {
  alive: ['pass', 'st-completed'],
  gone: ['error', 'st-error'],
  unknown: ['question', ''],
} as const;

interface Step {
  readonly glyph: TemplateResult;
  readonly word: string;
  readonly text: string;
  readonly at: number;
}

function stepsOf(run: PanelRun, now: number): Step[] {
  const steps: Step[] = [
    {
      glyph: stateGlyph('queued'),
      word: l10n.t('Queued'),
      text: run.attempt > 1 ? l10n.t('attempt {0}', attemptShare(run)) : '',
      at: run.createdAt,
    },
  ];
  if (run.startedAt !== null) {
    steps.push({
      glyph: stateGlyph('running'),
      word: l10n.t('Running'),
      text: run.agent === null ? '' : l10n.t('claimed by {0}', run.agent),
      at: run.startedAt,
    });
  }
  if (!isLive(run)) {
    steps.push({
      glyph: stateGlyph(run.status),
      word: stateWord(run.status),
      text: run.why ?? run.errorCode ?? '',
      at: run.endedAt ?? now,
    });
  }
  return steps;
}

interface Neighbour {
  readonly key: string;
  readonly name: string;
  readonly item: Item | null;
}

function neighbourOf(key: string, { scope }: Pick<Around, 'scope'>): Neighbour {
  const found = scope.items.get(key) ?? null;
  return { key, name: found?.task?.id ?? (found?.run ? runName(found.run) : key), item: found };
}

/** What an item needs: by its file, and by its run. */
export function needsOf(
  { task, run }: Item,
  around: Pick<Around, 'model' | 'scope'>,
): readonly Neighbour[] {
  const needs = new Map<string, Neighbour>();
  for (const id of task?.needs ?? []) needs.set(id, neighbourOf(id, around));
  const runs = around.model.rows.get(around.scope.store)?.runs;
  for (const id of run?.needs ?? []) {
    const needed = runs?.get(id);
    const key = needed ? keyOfRun(around.scope, needed) : id;
    if (!needs.has(key)) needs.set(key, neighbourOf(key, around));
  }
  return [...needs.values()];
}

/** What it holds up. Looks through all tasks, so it is for the one item that is looked at. */
function feedsOf(item: Item, around: Pick<Around, 'model' | 'scope'>): readonly Neighbour[] {
  const { model, scope } = around;
  const feeds = new Map<string, Neighbour>();
  const { task } = item;
  if (task) {
    for (const other of model.tasksOf(scope.key).values())
      if (other.needs.includes(task.id)) feeds.set(other.id, neighbourOf(other.id, around));
  }
  for (const run of model.dependentsOf(scope.store, model.attemptsOf(scope, item.key))) {
    const key = keyOfRun(scope, run);
    if (!feeds.has(key)) feeds.set(key, neighbourOf(key, around));
  }
  return [...feeds.values()];
}
