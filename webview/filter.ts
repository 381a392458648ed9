/**
 * What a person wants to see of a scope. States hide whole lists and cost nothing; an agent or a text means looking
 * at each item, once for each change of the scope.
 */
import { agentOf, Scope, titleOf, type Item } from './scope';
import type { ItemState } from './states';

export interface Filter {
  readonly hidden: ReadonlySet<ItemState>;
  /** Waves that are not shown. */
  readonly waves: ReadonlySet<number>;
  /** Agents that are not shown; '' is nobody. */
  readonly agents: ReadonlySet<string>;
  readonly text: string;
}

export const noFilter: Filter = {
  hidden: new Set(),
  waves: new Set(),
  agents: new Set(),
  text: '',
};

export const isFiltered = ({ hidden, waves, agents, text }: Filter): boolean =>
  hidden.size + waves.size + agents.size > 0 || text.trim() !== '';

/** Every word must be in it somewhere: task, title, run, agent, error. */
export function matcher(text: string): ((item: Item) => boolean) | null {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return null;
  return (item) => {
    const said = haystack(item);
    return wanted.every((word) => said.includes(word));
  };
}

const haystacks = new WeakMap<Item, string>();
function haystack(item: Item): string {
  const known = haystacks.get(item);
  if (known !== undefined) return known;
  const { task, run } = item;
  const parts = [task?.id, titleOf(item), run?.id, run?.agent, run?.errorCode, run?.why];
  const made = parts.filter(Boolean).join('\n').toLowerCase();
  haystacks.set(item, made);
  return made;
}

/** The scope itself where nothing is looked for; else a smaller one with the same indexes, kept until either changes. */
export class Sieve {
  #of: { readonly scope: Scope; readonly version: number; readonly filter: Filter } | undefined;
  #made: Scope | undefined;

  shown(scope: Scope, filter: Filter): Scope {
    const matches = matcher(filter.text);
    if (!matches && filter.agents.size === 0 && filter.waves.size === 0) return scope;
    const known = this.#of;
    if (
      this.#made &&
      known?.scope === scope &&
      known.version === scope.version &&
      known.filter.text === filter.text &&
      known.filter.agents === filter.agents &&
      known.filter.waves === filter.waves
    ) {
      return this.#made;
    }
    const made = new Scope(scope.key, scope.store, scope.workflow);
    for (const item of scope.items.values()) {
      if (filter.waves.has(item.wave)) continue;
      if (filter.agents.has(agentOf(item))) continue;
      if (matches && !matches(item)) continue;
      made.put(item);
    }
    for (const lane of scope.lanes.values())
      for (const run of lane.rows) {
        const key = scope.workflow === null ? run.root : (run.task ?? run.root);
        if (made.items.has(key) && !filter.agents.has(run.agent ?? ''))
          made.putAttempt(undefined, run);
      }
    this.#of = { scope, version: scope.version, filter };
    this.#made = made;
    return made;
  }
}

export function toggled<Value>(set: ReadonlySet<Value>, value: Value): ReadonlySet<Value> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}
