/** Tabs, search, and the chips that filter each tab. Pure drawing; the panel keeps what is chosen. */
import { html, nothing, type TemplateResult } from 'lit';
import { exportFormats, type ExportFormat } from '../src/shared/protocol';
import { waveName } from './board';
import { eventGroups, groupGlyphs, groupLabel } from './eventView';
import { shareWord } from './header';
import { l10n, number } from './l10n';
import { lockStateLooks, lockStateWord } from './locks';
import { lockStates } from './lockView';
import { tabs, type Memory, type Tab } from './memory';
import { glyph, stateGlyph } from './parts';
import { stateWord } from './say';
import type { Scope } from './scope';
import { itemStates, type ItemState } from './states';

export interface ToolbarParts {
  readonly memory: Memory;
  readonly scope: Scope;
  readonly shown: Scope;
  readonly locks: number;
  readonly lockCounts: Readonly<Record<string, number>>;
  readonly found: { readonly shown: number; readonly all: number };
  readonly keep: (kept: Partial<Memory>) => void;
  readonly exported: (format: ExportFormat) => void;
}

export function tabWord(tab: Tab): string {
  switch (tab) {
    case 'board':
      return l10n.t('Board');
    case 'graph':
      return l10n.t('Graph');
    case 'timeline':
      return l10n.t('Timeline');
    case 'locks':
      return l10n.t('Locks');
    case 'events':
      return l10n.t('Events');
  }
}

export function tabRow(parts: ToolbarParts): TemplateResult {
  const { memory, keep, locks, found } = parts;
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(memory.tab) + step + tabs.length) % tabs.length];
    if (!next) return;
    keep({ tab: next });
    const list = (event.currentTarget as HTMLElement).parentElement;
    list?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return html`<div class="tabrow">
    <div class="tabs" role="tablist" aria-label=${l10n.t('Views')}>
      ${tabs.map(
        (tab) =>
          html`<button
            role="tab"
            id="tab-${tab}"
            data-tab=${tab}
            aria-selected=${String(memory.tab === tab)}
            aria-controls="view"
            tabindex=${memory.tab === tab ? 0 : -1}
            @click=${() => {
              keep({ tab });
            }}
            @keydown=${move}
          >
            ${tabWord(tab)}${
              tab === 'locks' && locks > 0
                ? html`<span class="num dim tcount">${number(locks)}</span>`
                : nothing
            }
          </button>`,
      )}
    </div>
    <div class="find">
      <label class="searchbox"
        >${glyph('search')}<input
          type="search"
          data-search
          aria-label=${l10n.t('Search')}
          placeholder=${l10n.t('Search')}
          .value=${memory.text}
          @input=${(event: Event) => {
            keep({ text: (event.target as HTMLInputElement).value });
          }}
        /><span class="num dim total" role="status"
          >${shareWord(found.shown, found.all)}</span
        ></label
      >
      ${memory.tab === 'locks' || memory.tab === 'events' ? nothing : menus(parts)}
      ${exportMenu(parts)}
    </div>
  </div>`;
}

const mostListed = 300;

function menus({ memory, scope, keep }: ToolbarParts): TemplateResult {
  const waves = [...scope.waves.keys()].sort(
    (one, other) => (one || Infinity) - (other || Infinity),
  );
  const agents = [...scope.agents.keys()].sort((one, other) =>
    one === '' ? 1 : other === '' ? -1 : one < other ? -1 : 1,
  );
  const offWaves = new Set(memory.waves);
  const offAgents = new Set(memory.agents);
  const shownWaves = waves.filter((wave) => !offWaves.has(wave)).length;
  const shownAgents = agents.filter((agent) => !offAgents.has(agent)).length;
  return html`<wl-menu
      class="m-waves"
      .label=${l10n.t('Waves')}
      .share=${shareWord(shownWaves, waves.length)}
      .content=${() =>
        checks(
          waves.slice(0, mostListed).map((wave) => ({
            value: wave,
            label: waveName(wave),
            count: scope.waves.get(wave)?.count.all ?? 0,
          })),
          offWaves,
          (off) => {
            keep({ waves: [...off] });
          },
        )}
    ></wl-menu>
    <wl-menu
      class="m-agents"
      .label=${l10n.t('Agents')}
      .share=${shareWord(shownAgents, agents.length)}
      .content=${() =>
        checks(
          agents.slice(0, mostListed).map((agent) => ({
            value: agent,
            label: agent === '' ? l10n.t('Nobody') : agent,
            count: scope.agents.get(agent) ?? 0,
          })),
          offAgents,
          (off) => {
            keep({ agents: [...off] });
          },
        )}
    ></wl-menu>`;
}

function checks<Value>(
  all: readonly { readonly value: Value; readonly label: string; readonly count: number }[],
  off: ReadonlySet<Value>,
  keep: (off: ReadonlySet<Value>) => void,
): TemplateResult {
  return html`${all.map(
      ({ value, label, count }) =>
        html`<label class="check"
          ><input
            type="checkbox"
            .checked=${!off.has(value)}
            @change=${() => {
              const next = new Set(off);
              if (!next.delete(value)) next.add(value);
              keep(next);
            }}
          /><span class="ell" title=${label}>${label}</span
          ><span class="num dim">${number(count)}</span></label
        >`,
    )}
    <button
      class="link"
      @click=${() => {
        keep(new Set());
      }}
    >
      ${l10n.t('Show all')}
    </button>`;
}

function exportMenu({ exported }: ToolbarParts): TemplateResult {
  const names: Record<ExportFormat, string> = {
    json: 'JSON',
    csv: 'CSV',
    markdown: 'Markdown',
    mermaid: 'Mermaid',
  };
  return html`<wl-menu
    class="m-export"
    .label=${l10n.t('Export what is shown')}
    .icon=${'export'}
    .content=${() =>
      exportFormats.map(
        (format) =>
          html`<button
            class="act"
            data-export=${format}
            @click=${() => {
              exported(format);
            }}
          >
            ${names[format]}
          </button>`,
      )}
  ></wl-menu>`;
}

export function chips(parts: ToolbarParts): TemplateResult {
  const { memory } = parts;
  if (memory.tab === 'locks') return lockChips(parts);
  if (memory.tab === 'events') return eventChips(parts);
  return stateChips(parts);
}

interface Chip {
  readonly value: string;
  readonly glyph: TemplateResult;
  readonly label: string;
  readonly share: string;
}

/** A toggle: solid is shown; dashed and struck is hidden. */
function chipRow(
  label: string,
  all: readonly Chip[],
  off: readonly string[],
  keep: (off: string[]) => void,
  more: TemplateResult | typeof nothing,
): TemplateResult {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const buttons = [
      ...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('button'),
    ];
    const at = buttons.indexOf(event.target as HTMLElement);
    event.preventDefault();
    event.stopPropagation();
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  };
  return html`<div class="chips" role="group" aria-label=${label} @keydown=${move}>
    ${all.map(
      ({ value, glyph: mark, label: word, share }, index) =>
        html`<button
          class="chip"
          data-chip=${value}
          tabindex=${index === 0 ? 0 : -1}
          aria-pressed=${String(!off.includes(value))}
          @click=${() => {
            keep(off.includes(value) ? off.filter((it) => it !== value) : [...off, value]);
          }}
        >
          ${mark}<span>${word}</span><span class="num dim">${share}</span>
        </button>`,
    )}
    ${more}
  </div>`;
}

const showAll = (keep: (kept: Partial<Memory>) => void): TemplateResult =>
  html`<button
    class="link clear"
    @click=${() => {
      keep(allShown);
    }}
  >
    ${l10n.t('Show all')}
  </button>`;

export const allShown: Partial<Memory> = {
  hidden: [],
  waves: [],
  agents: [],
  text: '',
  lockStates: [],
  eventKinds: [],
};

export const hidesAnything = (memory: Memory): boolean =>
  memory.hidden.length +
    memory.waves.length +
    memory.agents.length +
    memory.lockStates.length +
    memory.eventKinds.length >
    0 || memory.text !== '';

function stateChips({ memory, scope, shown, keep }: ToolbarParts): TemplateResult {
  const present = itemStates.filter(
    (state) => scope.count.state(state) > 0 || memory.hidden.includes(state),
  );
  const off = new Set(memory.hidden);
  return chipRow(
    l10n.t('States'),
    present.map((state: ItemState) => ({
      value: state,
      glyph: stateGlyph(state),
      label: stateWord(state),
      share: shareWord(off.has(state) ? 0 : shown.count.state(state), scope.count.state(state)),
    })),
    memory.hidden,
    (hidden) => {
      keep({ hidden });
    },
    hidesAnything(memory) ? showAll(keep) : nothing,
  );
}

function lockChips({ memory, lockCounts, keep }: ToolbarParts): TemplateResult {
  const off = new Set(memory.lockStates);
  const chip = (value: string, icon: readonly [string, string], label: string): Chip => {
    const all = lockCounts[value] ?? 0;
    return {
      value,
      glyph: glyph(...icon),
      label,
      share: shareWord(off.has(value) ? 0 : all, all),
    };
  };
  const all = [
    ...lockStates.map((state) => chip(state, lockStateLooks[state], lockStateWord(state))),
    chip('read', ['eye', ''], l10n.t('Read')),
    chip('write', ['edit', ''], l10n.t('Write')),
  ].filter(({ value }) => (lockCounts[value] ?? 0) > 0 || off.has(value));
  return chipRow(
    l10n.t('Locks'),
    all,
    memory.lockStates,
    (locksOff) => {
      keep({ lockStates: locksOff });
    },
    hidesAnything(memory) ? showAll(keep) : nothing,
  );
}

function eventChips({ memory, keep }: ToolbarParts): TemplateResult {
  return chipRow(
    l10n.t('Kinds of events'),
    eventGroups.map((group) => ({
      value: group,
      glyph: glyph(groupGlyphs[group]),
      label: groupLabel(group),
      share: '',
    })),
    memory.eventKinds,
    (eventKinds) => {
      keep({ eventKinds });
    },
    hidesAnything(memory)
      ? showAll(keep)
      : html`<span class="dim cnote"
          >${l10n.t('Newest first. Scrolling down holds the list still.')}</span
        >`,
  );
}
