/**
 * What the graph and the timeline are given of the model: a node for each item, a bar for each attempt. What has not
 * changed is the same object as before, so that they draw only what has.
 */
import type { PanelRun } from '../src/shared/protocol';
import type { GraphRun, GraphWave } from './graph/runs';
import { keyOfRun } from './model';
import type { Around } from './say';
import { stateOfBucket, titleOf, type Item, type Scope } from './scope';
import { isStale, type ItemState } from './states';
import type { TimelineRun } from './timeline/rows';

/** What is shown of a scope, and in which version of it. */
interface Look {
  readonly shown: Scope;
  readonly version: number;
  readonly unseen: ReadonlySet<ItemState>;
}

/** Made anew only when the look is another. */
class Kept<Value> {
  #of: Look | undefined;
  #value: Value | undefined;

  get(shown: Scope, unseen: ReadonlySet<ItemState>, make: () => Value): Value {
    const { version } = shown;
    const of = this.#of;
    if (
      this.#value === undefined ||
      of?.shown !== shown ||
      of.version !== version ||
      of.unseen !== unseen
    ) {
      this.#value = make();
      this.#of = { shown, version, unseen };
    }
    return this.#value;
  }
}

const nobody: ReadonlySet<ItemState> = new Set();

export class Drawings {
  readonly #nodes = new WeakMap<Item, GraphRun>();
  readonly #bars = new WeakMap<PanelRun, TimelineRun>();
  readonly #graph = new Kept<readonly GraphRun[]>();
  readonly #waves = new Kept<readonly GraphWave[]>();
  readonly #timeline = new Kept<readonly TimelineRun[]>();

  nodes(around: Around, shown: Scope, unseen: ReadonlySet<ItemState>): readonly GraphRun[] {
    return this.#graph.get(shown, unseen, () => {
      const made: GraphRun[] = [];
      for (const item of shown.items.values())
        if (!unseen.has(stateOfBucket(item.bucket))) made.push(this.#node(item, around));
      return made;
    });
  }

  waves(
    { scope }: Around,
    stated: readonly { readonly number: number; readonly title: string | null }[],
  ): readonly GraphWave[] {
    return this.#waves.get(scope, nobody, () => {
      const titles = new Map(stated.map(({ number, title }) => [number, title]));
      return [...scope.waves.values()].map(({ number, count }) => ({
        number,
        name: titles.get(number) ?? undefined,
        completed: count.completed,
        all: count.all,
      }));
    });
  }

  bars(around: Around, shown: Scope, unseen: ReadonlySet<ItemState>): readonly TimelineRun[] {
    return this.#timeline.get(shown, unseen, () => {
      const made: TimelineRun[] = [];
      for (const lane of shown.lanes.values())
        for (const run of lane.rows) {
          const state = barState(run, around);
          if (!unseen.has(state)) made.push(this.#bar(run, state, around));
        }
      return made;
    });
  }

  #node(item: Item, around: Around): GraphRun {
    const known = this.#nodes.get(item);
    if (known) return known;
    const { task, run } = item;
    const made: GraphRun = {
      id: item.key,
      wave: item.wave === 0 ? null : item.wave,
      task: task?.id ?? null,
      title: titleOf(item),
      status: item.state,
      dependsOn: needsOf(item, around),
      agent: run?.agent ?? null,
      stale: item.stale,
    };
    this.#nodes.set(item, made);
    return made;
  }

  #bar(run: PanelRun, status: ItemState, { model, scope, now }: Around): TimelineRun {
    const stale = isStale(run, now);
    const known = this.#bars.get(run);
    if (known?.status === status && known.stale === stale) return known;
    const chain = run.attempt > 1 ? model.chainOf(scope.store, run.id) : [];
    const ended = run.endedAt !== null;
    const made: TimelineRun = {
      id: run.id,
      wave: run.wave,
      task: run.task,
      title: run.title,
      status,
      agent: run.agent,
      attempt: run.attempt,
      maxAttempts: Math.max(run.attempt, run.maxAttempts),
      createdAt: run.createdAt,
      startedAt: run.startedAt,
      endedAt: run.endedAt,
      retryOf: chain[chain.indexOf(run) - 1]?.id ?? null,
      heartbeatAt: run.beatAt,
      dueAt: status === 'retry' ? run.notBefore : null,
      stale,
      note: ended ? (run.why ?? run.errorCode) : null,
    };
    this.#bars.set(run, made);
    return made;
  }
}

/** As the item has it, where this is its newest attempt: a queued run may be blocked, or not be due yet. */
function barState(run: PanelRun, { scope }: Around): ItemState {
  if (run.status !== 'queued') return run.status;
  const item = scope.items.get(keyOfRun(scope, run));
  const waits = item?.run?.id === run.id && (item.state === 'blocked' || item.state === 'retry');
  return waits ? item.state : run.status;
}

/** What its task needs, and what its run waits for beside that, as items of the same scope. */
function needsOf({ task, run }: Item, { model, scope }: Around): readonly string[] {
  const runs = model.rows.get(scope.store)?.runs;
  const ofRun = (run?.needs ?? []).flatMap((id) => {
    const needed = runs?.get(id);
    return needed ? [keyOfRun(scope, needed)] : [];
  });
  return ofRun.length === 0
    ? (task?.needs ?? [])
    : [...new Set([...(task?.needs ?? []), ...ofRun])];
}
