/** Where a command works, in whose name, and how it gets at the store there. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { StoreError } from '../core/errors';
import type { AgentKind, AgentName, Answer, OpId, Refusal, SessionId } from '../core/model';
import type { Identity } from '../store/engine';
import { openLocalStore } from '../store/localStore';
import { newId } from '../store/newId';
import { placeOf, type Place } from '../store/place';
import type { Store } from '../store/store';
import { refused, type Done, type Refused } from './commandLine';

export interface Workplace {
  readonly folder: string;
  /** A name, or the id of an agent that is registered. */
  readonly agent: string | undefined;
  readonly store: string | undefined;
  readonly opId: OpId | undefined;
  /** Told what people should know beside the answer. */
  readonly warn: (message: string) => void;
}

export function locate(workplace: Workplace): { folder: string; place: Place } {
  const folder = resolve(workplace.folder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('store_gone', `There is no folder ${folder}.`);
  }
  // As the paths of workflows are, through whatever links the folder was named by.
  const real = realpathSync(folder);
  return { folder: real, place: placeOf(real, workplace.store) };
}

export function hasStore({ storeFolder }: Place): boolean {
  return existsSync(join(storeFolder, 'store.db'));
}

export async function withStore<T>(
  workplace: Workplace,
  place: Place,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(workplace, place);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export async function openStore(
  workplace: Workplace,
  place: Place,
  kind: AgentKind = 'terminal',
): Promise<Store> {
  const store = await openAs(workplace, place, kind);
  for (const { message } of store.warnings) workplace.warn(message);
  return store;
}

const agentId = /^agt_[0-9a-hjkmnp-tv-z]{10}$/;

function openAs(workplace: Workplace, place: Place, kind: AgentKind): Promise<Store> {
  return underName(workplace, (agent) =>
    openLocalStore({ place, identity: identityOf(agent, kind), durability: 'full' }),
  );
}

/** Opened in the name of whoever is speaking, also where that one was given by its id. */
export async function underName(
  { agent }: Workplace,
  open: (agent: string | undefined) => Promise<Store>,
): Promise<Store> {
  if (agent === undefined || !agentId.test(agent)) return open(agent);
  // Agents go by their name, which the store knows.
  const looking = await open(undefined);
  let name: AgentName | undefined;
  try {
    const { agents } = await looking.read('agents', {});
    name = agents.find(({ id }) => id === agent)?.name;
  } finally {
    await looking.close();
  }
  if (name === undefined)
    throw new Unfit(`--agent: There is no agent with the id ${agent}.`, 'agent');
  return open(name);
}

/** Something that was asked for is not what it should be; found on the way to the command itself. */
export class Unfit extends Error {
  override readonly name = 'Unfit';
  readonly refusal: Refusal;

  constructor(message: string, path: string) {
    super(message);
    this.refusal = { code: 'bad_input', message, path };
  }
}

/** Holds across bundles, where `instanceof` does not. */
export function isUnfit(error: unknown): error is Unfit {
  return error instanceof Error && error.name === 'Unfit' && 'refusal' in error;
}

function identityOf(name: string | undefined, kind: AgentKind): Identity {
  const session = newId('ses') as SessionId;
  const host = hostname();
  const agent = (name ?? `cli:${host}:${session.slice(4, 10)}`) as AgentName;
  return { agent, named: name !== undefined, kind, session, host, pid: process.pid };
}

/** The document of an answer whose facts it shows as they are, or as `shown` makes them. */
export function documentOf<Facts, Shown extends object>(
  answer: Answer<Facts>,
  shown: (facts: Facts) => Shown,
): (Done & Shown) | Refused {
  return answer.ok
    ? { ok: true, at: answer.at, ...shown(answer.facts) }
    : refused(answer.refusal, answer.at);
}
