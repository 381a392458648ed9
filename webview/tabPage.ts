/** What the tab that is looked at shows. */
import { html, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import type { PanelWorkflow } from '../src/shared/protocol';
import type { FoldEvent } from './board';
import type { Drawings } from './drawings';
import type { Filter } from './filter';
import type { Memory } from './memory';
import { nothingMatches } from './parts';
import type { Around } from './say';
import type { Scope } from './scope';
import { allShown } from './toolbar';

export interface TabParts {
  readonly memory: Memory;
  readonly keep: (kept: Partial<Memory>) => void;
  readonly around: Around;
  readonly workflow: PanelWorkflow | null;
  /** What the filter leaves, but for the states that it hides. */
  readonly shown: Scope;
  readonly unseen: Filter['hidden'];
  readonly drawings: Drawings;
  /** What the graph or the timeline calls the item whose details are seen. */
  readonly selected: string | null;
  readonly clock: () => number;
  readonly older: (store: string, before: number) => Promise<boolean>;
  readonly version: number;
}

export function tabPage(parts: TabParts): TemplateResult {
  const { memory, around, version } = parts;
  const { scope } = around;
  switch (memory.tab) {
    case 'board':
      return boardPage(parts);
    case 'graph':
      return graphPage(parts);
    case 'timeline':
      return timelinePage(parts);
    case 'locks':
      return html`<wl-locks
        .model=${around.model}
        .store=${scope.store}
        .now=${around.now}
        .text=${memory.text}
        .unseen=${new Set(memory.lockStates)}
        .version=${version}
      ></wl-locks>`;
    case 'events':
      return html`<wl-events
        .model=${around.model}
        .store=${scope.store}
        .text=${memory.text}
        .unseen=${new Set(memory.eventKinds)}
        .older=${parts.older}
        .version=${version}
      ></wl-events>`;
  }
}

/** How many items are left when those in hidden states are gone, too. */
export function countSeen(shown: Scope, unseen: Filter['hidden']): number {
  let seen = shown.count.all;
  for (const state of unseen) seen -= shown.count.state(state);
  return seen;
}

function boardPage(parts: TabParts): TemplateResult {
  const { memory, keep, around, workflow, shown, unseen } = parts;
  const { scope } = around;
  if (countSeen(shown, unseen) === 0 && scope.count.all > 0) return noMatch(parts);
  if (workflow?.errors.length && scope.count.all === 0) return html``;
  return html`<wl-board
    .workflow=${workflow}
    .around=${around}
    .shown=${shown}
    .unseen=${unseen}
    .open=${memory.unfolded[scope.key] ?? []}
    .folded=${new Set(memory.closed)}
    .selected=${memory.selected}
    .lines=${memory.lines}
    .version=${parts.version}
    @wl-fold=${({ wave, open }: FoldEvent) => {
      const others = (memory.unfolded[scope.key] ?? []).filter((it) => it !== wave);
      const unfolded = open ? [...others, wave] : others;
      keep({ unfolded: { ...memory.unfolded, [scope.key]: unfolded } });
    }}
    @wl-foldgroup=${({ detail: group }: CustomEvent<string>) => {
      const { closed } = memory;
      const others = closed.filter((it) => it !== group);
      keep({ closed: closed.includes(group) ? others : [...closed, group] });
    }}
  ></wl-board>`;
}

function graphPage(parts: TabParts): TemplateResult {
  const { around, workflow, shown, unseen, drawings } = parts;
  const { scope } = around;
  const nodes = drawings.nodes(around, shown, unseen);
  if (nodes.length === 0 && scope.count.all > 0) return noMatch(parts);
  return html`${keyed(
    scope.key,
    html`<wl-graph
      .runs=${nodes}
      .waves=${drawings.waves(around, workflow?.waves ?? [])}
      .current=${workflow && !workflow.completed ? workflow.wave : null}
      .selected=${parts.selected}
    ></wl-graph>`,
  )}`;
}

function timelinePage(parts: TabParts): TemplateResult {
  const { around, shown, unseen, drawings } = parts;
  const { scope } = around;
  const bars = drawings.bars(around, shown, unseen);
  if (bars.length === 0 && scope.lanes.size > 0) return noMatch(parts);
  return html`${keyed(
    scope.key,
    html`<wl-timeline
      .clock=${parts.clock}
      .runs=${bars}
      .selected=${parts.selected}
    ></wl-timeline>`,
  )}`;
}

function noMatch({ keep }: TabParts): TemplateResult {
  return nothingMatches(() => {
    keep(allShown);
  });
}
