/** What the graph and the timeline need of a run, and how a state looks: glyph and word first, hue third. */
import { bucketWord, stateWord as wordOf } from '../say';
import { itemStates, looks, type ItemState } from '../states';

/** A row of the panel's model has these, so it can be handed over as it is. */
export interface GraphRun {
  readonly id: string;
  readonly wave: number | null;
  /** The task's id, if the run is of one: shorter than its own. */
  readonly task: string | null;
  readonly title: string;
  /** A status of the store, or what the panel makes of it: pending, blocked, retry. */
  readonly status: string;
  readonly dependsOn: readonly string[];
  readonly agent: string | null;
  /** Running, without a sign of life for too long. */
  readonly stale?: boolean | undefined;
}

export interface GraphWave {
  readonly number: number;
  readonly name?: string | undefined;
  readonly completed: number;
  readonly all: number;
}

export interface StateLook {
  readonly glyph: string;
  readonly word: string;
  /** The name of the element's own property for the colour. */
  readonly hue: Hue;
}

export const hues = ['blue', 'green', 'red', 'yellow', 'purple', 'dim'] as const;
export type Hue = (typeof hues)[number];

const hueOf: Readonly<Record<ItemState, Hue>> = {
  pending: 'dim',
  queued: 'dim',
  running: 'blue',
  doing: 'blue',
  completed: 'green',
  error: 'red',
  failed: 'red',
  killed: 'red',
  cancelled: 'dim',
  lost: 'yellow',
  blocked: 'dim',
  retry: 'purple',
};

const lookOfState = (state: ItemState): StateLook => ({
  glyph: looks[state].glyph,
  // The language comes after the script.
  get word() {
    return wordOf(state);
  },
  hue: hueOf[state],
});

const pending = lookOfState('pending');
const byStatus: ReadonlyMap<string, StateLook> = new Map(
  itemStates.map((state) => [state, lookOfState(state)]),
);

export const glyphs: readonly string[] = [
  ...new Set(itemStates.map((state) => looks[state].glyph)),
];

export const lookOf = (status: string): StateLook => byStatus.get(status) ?? pending;

export const stateWord = (run: {
  readonly status: string;
  readonly stale?: boolean | undefined;
}) =>
  run.stale === true && run.status === 'running' ? bucketWord('stale') : lookOf(run.status).word;

export const labelOf = (run: { readonly id: string; readonly task: string | null }) =>
  asText(run.task ?? run.id);

const control = /[\u0000-\u001f\u007f]/g;
const unseen = /[\u0080-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * A name as it stands, for one line: control characters by their pictures, and what would turn the direction of
 * its surroundings, or not be seen at all, as a mark. What joins letters or figures into one stays.
 */
export function asText(name: string, most = 2_000): string {
  const some = name.length > most ? `${name.slice(0, most)}…` : name;
  return some
    .replace(control, (it) =>
      it === '\u007f' ? '␡' : String.fromCharCode(0x2400 + it.charCodeAt(0)),
    )
    .replace(unseen, '\ufffd');
}

/** Somebody has chosen a run, or nothing. */
export class RunSelectEvent extends Event {
  constructor(readonly run: string | null) {
    super('wl-select', { bubbles: true });
  }
}

/** Somebody wants a run's details. */
export class RunOpenEvent extends Event {
  constructor(readonly run: string) {
    super('wl-open', { bubbles: true });
  }
}

/** Where somebody looks, or how, is another: it may be worth remembering. */
export class ViewEvent extends Event {
  constructor() {
    super('wl-view', { bubbles: true });
  }
}
