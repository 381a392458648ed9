/** What the panel remembers when it is hidden or the window is reloaded: where a person was, and what was asked for. */
import * as z from 'zod/mini';
import { noFilter, type Filter } from './filter';
import { itemStates, type ItemState } from './states';

export const tabs = ['board', 'graph', 'timeline', 'locks', 'events'] as const;
export type Tab = (typeof tabs)[number];

const strings = z.array(z.string());

const memory = z.object({
  v: z.literal(1),
  tab: z.enum(tabs),
  /** Key of the workflow that is looked at; null is the first. */
  scope: z.nullable(z.string()),
  selected: z.nullable(z.string()),
  hidden: strings,
  waves: z.array(z.number()),
  agents: strings,
  text: z.string(),
  /** Chips of Locks and Events that are off. */
  lockStates: strings,
  eventKinds: strings,
  unfolded: z.record(z.string(), z.array(z.number())),
  /** Groups of the board that are closed. */
  closed: strings,
  lines: z.nullable(z.boolean()),
  tree: z.boolean(),
  timeline: z.object({
    span: z.union([
      z.enum(['quarter', 'hour', 'all']),
      z.object({ from: z.number(), to: z.number() }),
    ]),
    grouping: z.enum(['agent', 'wave']),
  }),
  camera: z.nullable(z.object({ x: z.number(), y: z.number(), zoom: z.number() })),
  scroll: z.record(z.string(), z.number()),
});
export type Memory = z.infer<typeof memory>;

export const noMemory: Memory = {
  v: 1,
  tab: 'board',
  scope: null,
  selected: null,
  hidden: [],
  waves: [],
  agents: [],
  text: '',
  lockStates: [],
  eventKinds: [],
  unfolded: {},
  closed: [],
  lines: null,
  tree: false,
  timeline: { span: 'hour', grouping: 'agent' },
  camera: null,
  scroll: {},
};

/** What another version has written, or nobody, counts as nothing. */
export function remembered(raw: unknown): Memory {
  const parsed = memory.safeParse(raw);
  return parsed.success ? parsed.data : noMemory;
}

export function filterOf({ hidden, waves, agents, text }: Memory): Filter {
  const states = hidden.filter((state): state is ItemState =>
    (itemStates as readonly string[]).includes(state),
  );
  if (states.length + waves.length + agents.length === 0 && text === '') return noFilter;
  return { hidden: new Set(states), waves: new Set(waves), agents: new Set(agents), text };
}
