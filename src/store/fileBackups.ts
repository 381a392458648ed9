/**
 * Workflow files as they were before each of our writes: `backups/<workflow>/<time>-<hash>.md` in the store's
 * folder, for people to list, look at and restore.
 *
 * A backup is the replaced file itself under another name, so an editor that still has it open goes on writing
 * there and nowhere else: its content may be newer than its name says, and what is listed is what it holds.
 *
 * Each new content has a second name for as long as a write may take: `held/<workflow>/<time>-<hash>-<replaced>`. Where
 * the lockfile does not keep writers apart, two may replace the same inode: the later one has not seen what the earlier
 * one has put there, and makes no backup of it. What people have saved into that by then has no other name left. It is
 * a late save, and a backup from then on.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentHash, WorkflowId } from '../core/model';
import { chance } from './chance';
import {
  clearOldTempFiles,
  inodeIn,
  inodeOf,
  keepContent,
  writesTakeMs,
  type FileOps,
} from './durableFs';
import { fileFault } from './fileFault';
import { folderNameOf, hashOf, localTime } from './workflowFile';

export interface FileBackup {
  /** Unique within its workflow; its beginning is enough where that is unique. */
  readonly id: string;
  /** Of the backup itself. */
  readonly file: string;
  readonly at: number;
  readonly bytes: number;
  readonly hash: ContentHash;
}

/** What people have saved into a content of ours before it was replaced by one of us who had not seen it. */
export interface LateSave {
  /** What it was saved over. */
  readonly written: ContentHash;
  readonly content: Buffer;
}

/** A content of ours under its second name. */
interface Held {
  readonly file: string;
  readonly at: number;
  readonly written: ContentHash;
  readonly replaced: string;
  readonly inode: string;
  /** Somebody has saved it since, and it has no other name. */
  readonly late: Buffer | undefined;
}

type NameOfHeld = Pick<Held, 'written' | 'replaced'> & { readonly time: string };

const extension = '.md';
const heldName =
  /^(?<time>.+)-(?<written>[0-9a-f]{64})-(?<replaced>[0-9a-f]+\.[0-9a-f]+)-[0-9a-f]+$/;
const shortHash = 12;
const empty = Buffer.alloc(0);

export class FileBackups {
  readonly #folder: string;
  readonly #heldFolder: string;

  constructor(
    storeFolder: string,
    workflow: WorkflowId,
    private readonly ops: FileOps,
  ) {
    this.#folder = join(storeFolder, 'backups', folderNameOf(workflow));
    this.#heldFolder = join(storeFolder, 'held', folderNameOf(workflow));
  }

  /** Named by time and content, so that a person finds it by either. */
  pathFor(hash: ContentHash, now: number): string {
    return join(this.#folder, idOf(hash, now) + extension);
  }

  /** The second name of a content that is about to take the place of that inode. */
  heldPathFor(replaced: string, hash: ContentHash, now: number): string {
    const name = `${timeName(now)}-${hash}-${replaced}-${chance(4).toString('hex')}`;
    return join(this.#heldFolder, name);
  }

  /** What was overwritten by somebody else, where no write of ours has kept it. */
  keep(content: string | Uint8Array, now: number): void {
    const hash = hashOf(content);
    if (this.#names().some((name) => name.includes(`-${hash.slice(0, shortHash)}`))) return;
    keepContent(this.pathFor(hash, now), content, { ops: this.ops, flush: true });
  }

  /** Newest first, and of one content the newest alone. */
  list(): FileBackup[] {
    const listed = new Set<ContentHash>();
    const late = this.#held().flatMap(({ file, at, late: bytes }) =>
      bytes ? [{ id: idOf(hashOf(bytes), at), file }] : [],
    );
    return this.#names()
      .map((name) => ({ id: name.slice(0, -extension.length), file: join(this.#folder, name) }))
      .concat(late)
      .sort((one, other) => (one.id < other.id ? 1 : -1))
      .flatMap(({ id, file }) => {
        const bytes = this.read(file);
        const stats = statSync(file, { throwIfNoEntry: false });
        if (!bytes || !stats) return [];
        const hash = hashOf(bytes);
        if (listed.has(hash)) return [];
        listed.add(hash);
        return [{ id, file, at: timeOf(id, stats.mtimeMs), bytes: bytes.length, hash }];
      });
  }

  /** By its id or the beginning of it; undefined when none or several are meant. */
  find(id: string): { readonly backup: FileBackup; readonly content: Buffer } | undefined {
    const all = this.list();
    const meant = all.filter((backup) => backup.id === id);
    const [backup, another] =
      meant.length > 0 ? meant : all.filter((each) => each.id.startsWith(id));
    if (!backup || another) return undefined;
    const content = this.read(backup.file);
    return content && { backup, content };
  }

  /** What late saves were made of must be known as long as one may come. */
  heldContents(): readonly ContentHash[] {
    return this.#held().map(({ written }) => written);
  }

  /**
   * Each late save once, to whoever is the first to ask; from then on it is a backup. One that is not whole is most
   * likely still being saved.
   */
  takeLate(isWhole: (content: Buffer) => boolean, now: number): LateSave[] {
    return this.#held().flatMap(({ file, at, written, late }) => {
      if (!late) return [];
      const whole = isWhole(late);
      if (!whole && !isSettled(at, now)) return [];
      const isOurs = this.#rename(file, this.pathFor(hashOf(late), at));
      return isOurs && whole ? [{ written, content: late }] : [];
    });
  }

  /**
   * Keeps the newest `most` of different content. Twins go when they are older than any write takes: a young one may be
   * all that is left of a file that its editor is still writing to, because a writer that gives up removes the other.
   */
  prune(most: number, now: number): void {
    clearOldTempFiles(this.#folder, now - writesTakeMs, this.ops);
    const held = this.#held();
    const kept = new Map<string, string>();
    for (const name of this.#names().reverse()) {
      const file = join(this.#folder, name);
      const short = /-([0-9a-f]{12})(?:-\d+)?\.md$/.exec(name)?.[1] ?? name;
      const twin = kept.get(short);
      // An editor may have written to either of them since.
      const same = twin !== undefined && this.read(twin)?.equals(this.read(file) ?? empty) === true;
      if (same) {
        if (isSettled(timeOf(name, 0), now)) this.ops.remove(file);
      } else if (kept.size >= most) {
        // Its second name first, or what has been a backup for its time would look like a late save.
        const inode = held.length > 0 ? inodeOf(file) : undefined;
        for (const each of held) if (each.inode === inode) this.ops.remove(each.file);
        this.ops.remove(file);
      } else kept.set(twin === undefined ? short : name, file);
    }
    // A late save is known for one by the other that has replaced the same.
    const late = new Set(held.flatMap((each) => (each.late ? [each.replaced] : [])));
    for (const { file, at, replaced } of held)
      if (!late.has(replaced) && isSettled(at, now)) this.ops.remove(file);
  }

  /** False when another process was faster. */
  #rename(file: string, name: string): boolean {
    try {
      this.ops.rename(file, name);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw fileFault(error, file);
    }
  }

  #held(): Held[] {
    const named = namesIn(this.#heldFolder).flatMap((name) => {
      const said = heldName.exec(name)?.groups as NameOfHeld | undefined;
      return said ? [{ name, ...said }] : [];
    });
    return named.flatMap(({ name, time, written, replaced }) => {
      const file = join(this.#heldFolder, name);
      const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
      if (!stats) return [];
      // By one of us: what git or an editor has replaced, its owner has done away with.
      const isReplaced =
        stats.nlink === 1n &&
        named.some((other) => other.name !== name && other.replaced === replaced);
      const content = isReplaced ? this.read(file) : undefined;
      const late = content && hashOf(content) !== written ? content : undefined;
      const at = timeOf(`${time}-`, Number(stats.ctimeMs));
      return [{ file, at, written, replaced, inode: inodeIn(stats), late }];
    });
  }

  /** In order of time. */
  #names(): string[] {
    return namesIn(this.#folder)
      .filter((name) => name.endsWith(extension) && !name.startsWith('.'))
      .sort();
  }

  /** Another process may prune meanwhile. */
  read(file: string): Buffer | undefined {
    try {
      return readFileSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function idOf(hash: ContentHash, at: number): string {
  return `${timeName(at)}-${hash.slice(0, shortHash)}`;
}

function timeName(at: number): string {
  const time = localTime(at).replaceAll(':', '').replace(' ', 'T');
  return `${time}.${String(at % 1_000).padStart(3, '0')}`;
}

/** No write that was under way then can still be. */
const isSettled = (at: number, now: number): boolean => at < now - writesTakeMs;

/**
 * The time in the name is that of the write; a link has the time at which the file was saved before. Names of older
 * versions have no milliseconds.
 */
function timeOf(id: string, otherwise: number): number {
  const match = /^(\d{4}-\d\d-\d\dT)(\d\d)(\d\d)(\d\d(?:\.\d{3})?)-/.exec(id);
  const at = match ? Date.parse(`${match[1]}${match[2]}:${match[3]}:${match[4]}`) : NaN;
  return Number.isNaN(at) ? otherwise : at;
}
