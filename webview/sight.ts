/** What of the model a person looks at, by what is remembered of their choices. */
import type { PanelStore, PanelWorkflow } from '../src/shared/protocol';
import { Sieve, type Filter } from './filter';
import { filterOf, type Memory } from './memory';
import { keyOfRun, outsideKey, type Model } from './model';
import type { Around } from './say';
import { itemsOf, stateOfBucket, type Item, type Scope } from './scope';
import { looks } from './states';

/** The newest of both: either is another object whenever it has changed. */
export interface Seen {
  readonly model: Model | null;
  readonly memory: Memory;
}

export class Sight {
  readonly #sieve = new Sieve();
  #filter: Filter | undefined;
  #filterOf: Memory | undefined;
  /** The attempt that was chosen on the timeline. */
  #chosen: string | null = null;

  constructor(private readonly seen: Seen) {}

  get scope(): Scope | undefined {
    const { model, memory } = this.seen;
    if (!model) return undefined;
    return model.scopes.get(memory.scope ?? '') ?? this.scopes[0];
  }

  /** Workflows in the order of their folders, then the runs that belong to none. */
  get scopes(): Scope[] {
    const { model } = this.seen;
    if (!model) return [];
    const outside = [...model.stores.keys()].flatMap((store) => {
      const scope = model.scopes.get(outsideKey(store));
      return scope && scope.items.size > 0 ? [scope] : [];
    });
    return [
      ...[...model.workflows.keys()].flatMap((key) => model.scopes.get(key) ?? []),
      ...outside,
    ];
  }

  get workflow(): PanelWorkflow | null {
    return this.seen.model?.workflows.get(this.scope?.key ?? '') ?? null;
  }

  get store(): PanelStore | undefined {
    return this.seen.model?.stores.get(this.scope?.store ?? '');
  }

  get around(): Around | undefined {
    const { model } = this.seen;
    const scope = this.scope;
    return model && scope ? { model, scope, now: model.now } : undefined;
  }

  /** The same object as long as it is the same filter, so that what it leaves can be kept. */
  get filter(): Filter {
    const { memory } = this.seen;
    const before = this.#filterOf;
    if (
      !this.#filter ||
      before?.hidden !== memory.hidden ||
      before.waves !== memory.waves ||
      before.agents !== memory.agents ||
      before.text !== memory.text
    ) {
      this.#filter = filterOf(memory);
    }
    this.#filterOf = memory;
    return this.#filter;
  }

  /** What search, waves and agents leave of it. */
  shownOf(scope: Scope): Scope {
    return this.#sieve.shown(scope, this.filter);
  }

  /** All that nothing hides. */
  get items(): readonly Item[] {
    const { scope, filter } = this;
    if (!scope) return [];
    return [...this.shownOf(scope).items.values()].filter(
      (item) => !filter.hidden.has(stateOfBucket(item.bucket)),
    );
  }

  /** Whatever people have to see to, as it stands on the board. */
  get attention(): readonly Item[] {
    const { scope, workflow, filter } = this;
    if (!scope) return [];
    return scope
      .waveNumbers(workflow?.waves ?? [])
      .flatMap((wave) => [...itemsOf(scope.waves.get(wave), filter.hidden)])
      .filter(({ bucket }) => looks[bucket].group === 'attention');
  }

  get selected(): Item | undefined {
    const { selected } = this.seen.memory;
    return selected === null ? undefined : this.scope?.items.get(selected);
  }

  /** The item that a node of the graph or a row of the timeline stands for. */
  keyOf(id: string): string | undefined {
    const scope = this.scope;
    if (!scope) return undefined;
    if (this.seen.memory.tab === 'graph') return scope.items.has(id) ? id : undefined;
    const run = this.seen.model?.rows.get(scope.store)?.runs.get(id);
    return run && keyOfRun(scope, run);
  }

  /** @returns the item to be looked at, null for none */
  choose(id: string | null): string | null {
    const key = id === null ? undefined : this.keyOf(id);
    this.#chosen = key === undefined ? null : id;
    return key ?? null;
  }

  /** What the graph or the timeline calls an item: the attempt that was chosen, else the newest. */
  idOf(key: string | null): string | null {
    if (key === null || this.seen.memory.tab === 'graph') return key;
    if (this.#chosen !== null && this.keyOf(this.#chosen) === key) return this.#chosen;
    return this.scope?.items.get(key)?.run?.id ?? null;
  }
}
