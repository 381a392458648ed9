/**
 * What a person's save was made on. A change by hand leaves alone what our writes touch beside it; a save of an older
 * content, which an editor still had open, undoes all of it: so the base is the content that is nearest, counted in
 * lines.
 */
import type { ContentHash, FileIntent, StoredEvent, WorkflowId } from '../core/model';
import type { KeptTexts } from './keptTexts';
import type { Store } from './store';

export interface LikelyBase {
  readonly text: string;
  /** The announcement of it, if nobody has confirmed that. */
  readonly intent: FileIntent | undefined;
}

/** Older contents that an editor may have been opened on, and how far back they are looked for. */
const likelyBases = 12;
const eventsLookedAt = 500;

/** Undefined when nothing is nearer to `text` than what the store knows. */
export async function likelyBase(
  text: string,
  known: string,
  {
    workflow,
    intents,
    texts,
    store,
  }: {
    readonly workflow: WorkflowId;
    readonly intents: readonly FileIntent[];
    readonly texts: KeptTexts;
    readonly store: Pick<Store, 'read'>;
  },
): Promise<LikelyBase | undefined> {
  const lines = linesOf(text);
  let least = distance(lines, linesOf(known));
  let nearest: LikelyBase | undefined;
  const targets = new Map(intents.map((intent) => [intent.target, intent]));
  for (const hash of [...targets.keys(), ...(await former(workflow, store))]) {
    const candidate = texts.read(hash);
    if (candidate === undefined || candidate === known || candidate === text) continue;
    const away = distance(lines, linesOf(candidate));
    if (away >= least) continue;
    least = away;
    nearest = { text: candidate, intent: targets.get(hash) };
  }
  return nearest;
}

/** Contents that the file really had, the newest first. */
async function former(
  workflow: WorkflowId,
  store: Pick<Store, 'read'>,
): Promise<readonly ContentHash[]> {
  const head = await store.read('head', {});
  const after = Math.max(0, head - eventsLookedAt);
  const events = await store.read('events', { after, limit: eventsLookedAt });
  const hashes = events.flatMap((event) =>
    event.workflow === workflow && isFileContent(event) ? [event.data.row.hash] : [],
  );
  return [...new Set(hashes.reverse())].slice(0, likelyBases);
}

/** Events that say what the file held then. */
function isFileContent(
  event: StoredEvent,
): event is StoredEvent & { readonly data: { readonly row: { readonly hash: ContentHash } } } {
  const { data } = event;
  return (
    (event.kind.startsWith('file.') || event.kind === 'workflow.created') &&
    'row' in data &&
    data.row !== null &&
    'hash' in data.row &&
    typeof data.row.hash === 'string'
  );
}

function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const line of text.split(/\r\n?|\n/)) lines.set(line, (lines.get(line) ?? 0) + 1);
  return lines;
}

/** How many lines one has and the other has not, wherever they stand. */
function distance(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): number {
  let count = 0;
  for (const [line, times] of one) count += Math.max(0, times - (other.get(line) ?? 0));
  for (const [line, times] of other) count += Math.max(0, times - (one.get(line) ?? 0));
  return count;
}
