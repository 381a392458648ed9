/** The locks of a store: who holds what, for how long still, who is next, and what may be done about it. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { lockActions, type Action } from './actions';
import { countdown, duration, l10n, time } from './l10n';
import { circleOfWaits, lockLines, type LockLine, type LockState } from './lockView';
import type { Model } from './model';
import { agentGlyphs, blank, DoEvent, focusLost, glyph, iconButton, nothingMatches } from './parts';
import type { Rows, RowSource } from './rows';

const rowHeight = 32;
const noteHeight = 24;

export const lockStateLooks: { readonly [State in LockState]: readonly [string, string] } = {
  stale: ['warning', 'st-lost'],
  held: ['lock', ''],
  mine: ['lock', 'st-running'],
  offered: ['bell', 'st-retry'],
  guard: ['file', ''],
};

export function lockStateWord(state: LockState): string {
  switch (state) {
    case 'stale':
      return l10n.t('Stale');
    case 'held':
      return l10n.t('Held');
    case 'mine':
      return l10n.t('Held by you');
    case 'offered':
      return l10n.t('Offered');
    case 'guard':
      return l10n.t('Writing');
  }
}

export class Locks extends LitElement {
  static override properties = {
    model: { attribute: false },
    store: { attribute: false },
    now: { attribute: false },
    text: { attribute: false },
    unseen: { attribute: false },
    version: { attribute: false },
    asking: { state: true },
    stop: { state: true },
  };
  declare model: Model;
  declare store: string;
  declare now: number;
  declare text: string;
  declare unseen: ReadonlySet<string>;
  declare version: unknown;
  declare asking: { readonly key: string; readonly action: Action } | null;
  declare stop: string | null;

  #lines: readonly LockLine[] = [];

  constructor() {
    super();
    this.text = '';
    this.unseen = new Set();
    this.asking = null;
    this.stop = null;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener('focusin', (event) => {
      const key = rowOf(event.target)?.dataset['lock'];
      if (key !== undefined) this.stop = key;
    });
    this.addEventListener('wl-asked', () => {
      const key = this.asking?.key;
      this.asking = null;
      if (key !== undefined)
        void this.updateComplete.then(() => {
          this.#focus(key);
        });
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  focusFirst(): boolean {
    const key = this.#stopKey();
    if (key !== undefined) this.#focus(key);
    return key !== undefined;
  }

  #stopKey(): string | undefined {
    return (this.#lines.find(({ key }) => key === this.stop) ?? this.#lines[0])?.key;
  }

  #focus(key: string): void {
    const index = this.#lines.findIndex((line) => line.key === key);
    if (index < 0) return;
    this.stop = key;
    const rows = this.querySelector<Rows>('wl-rows');
    rows?.reveal(index);
    void this.updateComplete.then(async () => {
      await rows?.updateComplete;
      this.querySelector<HTMLElement>(`[data-lock="${CSS.escape(key)}"]`)?.focus({
        preventScroll: true,
      });
    });
  }

  #key(event: KeyboardEvent): void {
    const row = rowOf(event.target);
    const key = row?.dataset['lock'];
    if (!row || key === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const index = this.#lines.findIndex((line) => line.key === key);
    const line = this.#lines[index];
    const inside = [...row.querySelectorAll<HTMLElement>('button, input')];
    const at = inside.indexOf(event.target as HTMLElement);
    const go = (to: LockLine | undefined) => {
      if (!to) return;
      event.preventDefault();
      this.#focus(to.key);
    };
    if (event.target instanceof HTMLInputElement) return;
    switch (event.key) {
      case 'ArrowDown':
        go(this.#lines[index + 1]);
        return;
      case 'ArrowUp':
        go(this.#lines[index - 1]);
        return;
      case 'Home':
        go(this.#lines[0]);
        return;
      case 'End':
        go(this.#lines.at(-1));
        return;
      case 'ArrowRight':
        inside[at + 1]?.focus();
        event.preventDefault();
        return;
      case 'ArrowLeft':
        if (at > 0) inside[at - 1]?.focus();
        else row.focus();
        event.preventDefault();
        return;
      case 'Enter':
        if (event.target !== row || !line?.lock) return;
        event.preventDefault();
        this.#act(line, lockActions(line.lock, this.model.stores.get(this.store))[0]);
        return;
      case 'o':
        if (line?.lock) this.#open(line.lock.id);
        return;
      default:
    }
  }

  #act(line: LockLine, action: Action | undefined): void {
    if (!action) return;
    if (action.asks === 'no') this.dispatchEvent(new DoEvent(action.wish('')));
    else this.asking = { key: line.key, action };
  }

  #open(lock: string): void {
    this.dispatchEvent(new DoEvent({ type: 'reveal', store: this.store, lock }));
  }

  protected override willUpdate(): void {
    const rows = this.model.rows.get(this.store);
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    this.#lines = (rows ? lockLines(rows, this.now) : []).filter((line) => {
      if (this.unseen.has(line.state) || this.unseen.has(line.mode)) return false;
      const said =
        `${line.resource}\n${line.holder}\n${line.waiters.map(({ agent }) => agent).join('\n')}`.toLowerCase();
      return words.every((word) => said.includes(word));
    });
    const focused = rowOf(document.activeElement);
    this.#focused = focused && this.contains(focused) ? (focused.dataset['lock'] ?? null) : null;
  }
  #focused: string | null = null;

  /** A lock that is gone leaves the focus to the one that took its place. */
  protected override updated(): void {
    const focused = this.#focused;
    if (focused === null || this.#lines.some(({ key }) => key === focused)) return;
    void this.querySelector<Rows>('wl-rows')?.updateComplete.then(() => {
      if (focusLost()) this.focusFirst();
    });
  }

  protected override render(): TemplateResult {
    const rows = this.model.rows.get(this.store);
    if (!rows || rows.locks.size + rows.waiters.size === 0) {
      return blank(
        'unlock',
        l10n.t('Nothing is locked'),
        l10n.t(
          'Whoever locks a file, by a command or an agent, is shown here with the time that is left and those who wait.',
        ),
      );
    }
    if (this.#lines.length === 0) {
      return nothingMatches(() =>
        this.dispatchEvent(new CustomEvent('wl-showall', { bubbles: true })),
      );
    }
    const stop = this.#stopKey();
    const sizes = this.#lines.map((line) => rowHeight + (this.#below(line) ? noteHeight : 0));
    const source: RowSource = {
      count: this.#lines.length,
      size: (index) => sizes[index] ?? rowHeight,
      keyOf: (index) => this.#lines[index]?.key ?? String(index),
      pinned: [this.#lines.findIndex(({ key }) => key === stop)],
      draw: (index, style) => {
        const line = this.#lines[index];
        return line ? this.#row(line, index, style, line.key === stop) : html``;
      },
    };
    return html`<div class="table locks">
      ${this.#circle()}
      <div class="theads lgrid dim" aria-hidden="true">
        <span>${l10n.t('Resource')}</span><span>${l10n.t('Mode')}</span
        ><span>${l10n.t('State')}</span><span>${l10n.t('Holder')}</span
        ><span class="r">${l10n.t('Since')}</span><span>${l10n.t('Time left')}</span
        ><span>${l10n.t('Waiters, by position')}</span><span></span>
      </div>
      <wl-rows
        class="tbody"
        role="grid"
        aria-label=${l10n.t('Locks')}
        aria-rowcount=${this.#lines.length}
        .source=${source}
      ></wl-rows>
    </div>`;
  }

  #circle(): TemplateResult | typeof nothing {
    const rows = this.model.rows.get(this.store);
    if (!rows || rows.waiters.size === 0) return nothing;
    const circle = circleOfWaits(rows);
    const waiting =
      rows.waiters.size === 1 ? l10n.t('1 waiter') : l10n.t('{0} waiters', rows.waiters.size);
    return circle
      ? html`<p class="sumline" role="alert">
          ${glyph('warning', 'st-lost')}<span class="ell"
            >${l10n.t('They wait for one another: {0}', circle.join(' → '))}</span
          >
        </p>`
      : html`<p class="sumline dim">${waiting}, ${l10n.t('no deadlock among them')}</p>`;
  }

  /** What stands below a line: the question before a break, or why it looks stale. */
  #below(line: LockLine): TemplateResult | null {
    if (this.asking?.key === line.key) {
      return html`<wl-ask
        .action=${this.asking.action}
        .about=${l10n.t('Break the lock of {0}', line.holder)}
      ></wl-ask>`;
    }
    const { now } = this;
    if (line.state === 'stale' && line.until !== null) {
      const seen = this.model.rows.get(this.store)?.agents.get(line.holder)?.seenAt;
      const over = l10n.t(
        'Over for {0}; whoever wants it next gets it.',
        duration(now - line.until),
      );
      return note(
        seen === undefined
          ? over
          : `${over} ${l10n.t('{0} was last seen {1} ago.', line.holder, duration(now - seen))}`,
      );
    }
    if (line.state === 'offered' && line.until !== null)
      return note(l10n.t('Its turn; passed on in {0}', countdown(line.until - now)));
    return null;
  }

  #row(line: LockLine, index: number, style: string, isStop: boolean): TemplateResult {
    const { now } = this;
    const { lock, state, until } = line;
    const actions = lock ? lockActions(lock, this.model.stores.get(this.store)) : [];
    const agent = this.model.rows.get(this.store)?.agents.get(line.holder);
    const [icon, hue] = lockStateLooks[state];
    const left = until === null ? null : Math.max(0, until - now);
    const share = left === null || line.ttlMs === 0 ? 0 : Math.min(1, left / line.ttlMs);
    const below = this.#below(line);
    const canOpen =
      lock && lock.kind !== 'glob' && lock.kind !== 'task' && lock.kind !== 'workspace';
    return html`<div
      class="vrow lrow"
      role="row"
      tabindex=${isStop ? 0 : -1}
      aria-rowindex=${index + 1}
      data-lock=${line.key}
      .style=${style}
    >
      <div class="lgrid" role="presentation">
        <span role="gridcell" class="mono ell" title=${line.resource}>${line.resource}</span>
        <span role="gridcell" class="cell"
          >${glyph(line.mode === 'write' ? 'edit' : 'eye')}<span
            >${line.mode === 'write' ? l10n.t('Write') : l10n.t('Read')}</span
          ></span
        >
        <span role="gridcell" class="cell"
          >${glyph(icon, hue)}<span>${lockStateWord(state)}</span></span
        >
        <span role="gridcell" class="cell" title=${`${line.holder} ${lock?.host ?? ''}`}
          >${glyph(agentGlyphs[agent?.kind ?? 'other'] ?? 'account')}<span class="ell"
            >${line.holder}</span
          ></span
        >
        <span role="gridcell" class="num r" title=${time(line.since)}
          >${duration(now - line.since)}</span
        >
        <span role="gridcell" class="left"
          >${
            left === null
              ? html`<span class="dim">${l10n.t('while it writes')}</span>`
              : html`<span class="lbar ${share < 0.25 ? 'low' : ''}" aria-hidden="true"
                    ><b .style=${`width:${100 * share}%`}></b></span
                  ><span class="num">${countdown(left)}</span>`
          }</span
        >
        <span role="gridcell" class="waiters"
          >${
            line.waiters.length === 0
              ? html`<span class="dim" aria-label=${l10n.t('nobody waits')}>—</span>`
              : line.waiters
                  .slice(0, 3)
                  .map(
                    (waiter, place) =>
                      html`<span
                        class="waiter"
                        title=${l10n.t('{0} waits for {1}', waiter.agent, duration(now - waiter.since))}
                        ><b class="num">${place + 1}</b
                        ><span class="ell">${waiter.agent}</span></span
                      >`,
                  )
          }${
            line.waiters.length > 3
              ? html`<span class="dim num"
                  >${l10n.t('and {0} more', line.waiters.length - 3)}</span
                >`
              : nothing
          }</span
        >
        <span role="gridcell" class="lacts">
          ${actions.map(
            (action) =>
              html`<button
                class="link"
                tabindex="-1"
                data-act=${action.id}
                @click=${() => {
                  this.#act(line, action);
                }}
              >
                ${action.label}
              </button>`,
          )}
          ${
            canOpen
              ? iconButton({
                  icon: 'go-to-file',
                  label: l10n.t('Open {0}', line.resource),
                  act: () => {
                    this.#open(lock.id);
                  },
                })
              : nothing
          }
        </span>
      </div>
      ${below ? html`<div role="gridcell" class="below">${below}</div>` : nothing}
    </div>`;
  }
}

const note = (text: string): TemplateResult =>
  html`<p class="dim ell">${glyph('info')}<span class="ell" title=${text}>${text}</span></p>`;

const rowOf = (node: unknown): HTMLElement | null =>
  node instanceof HTMLElement ? node.closest<HTMLElement>('[data-lock]') : null;

/** Chips of this tab, with how many there are. */
export function lockCounts(lines: readonly LockLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state, mode } of lines) {
    counts[state] = (counts[state] ?? 0) + 1;
    counts[mode] = (counts[mode] ?? 0) + 1;
  }
  return counts;
}
