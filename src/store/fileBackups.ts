/**
 * Workflow files as they were before each of our writes: `backups/<workflow>/<time>-<hash>.md` in the store's
 * folder, for people to list, look at and restore.
 *
 * A backup is the replaced file itself under another name, so an editor that still has it open goes on writing
 * there and nowhere else: its content may be newer than its name says, and what is listed is what it holds.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentHash, WorkflowId } from '../core/model';
import { clearOldTempFiles, keepContent, writesTakeMs, type FileOps } from './durableFs';
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

const extension = '.md';
const shortHash = 12;
const empty = Buffer.alloc(0);

export class FileBackups {
  readonly #folder: string;

  constructor(
    storeFolder: string,
    workflow: WorkflowId,
    private readonly ops: FileOps,
  ) {
    this.#folder = join(storeFolder, 'backups', folderNameOf(workflow));
  }

  /** Named by time and content, so that a person finds it by either. */
  pathFor(hash: ContentHash, now: number): string {
    const time = localTime(now).replaceAll(':', '').replace(' ', 'T');
    const ms = String(now % 1_000).padStart(3, '0');
    return join(this.#folder, `${time}.${ms}-${hash.slice(0, shortHash)}${extension}`);
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
    return this.#names()
      .reverse()
      .flatMap((name) => {
        const file = join(this.#folder, name);
        const bytes = this.read(file);
        const stats = statSync(file, { throwIfNoEntry: false });
        if (!bytes || !stats) return [];
        const hash = hashOf(bytes);
        if (listed.has(hash)) return [];
        listed.add(hash);
        const id = name.slice(0, -extension.length);
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

  /**
   * Keeps the newest `most` of different content. Twins go when they are older than any write takes: a young one may be
   * all that is left of a file that its editor is still writing to, because a writer that gives up removes the other.
   */
  prune(most: number, now: number): void {
    clearOldTempFiles(this.#folder, now - writesTakeMs, this.ops);
    const kept = new Map<string, string>();
    for (const name of this.#names().reverse()) {
      const file = join(this.#folder, name);
      const short = /-([0-9a-f]{12})(?:-\d+)?\.md$/.exec(name)?.[1] ?? name;
      const twin = kept.get(short);
      // An editor may have written to either of them since.
      const same = twin !== undefined && this.read(twin)?.equals(this.read(file) ?? empty) === true;
      if (same) {
        if (timeOf(name, 0) < now - writesTakeMs) this.ops.remove(file);
      } else if (kept.size >= most) this.ops.remove(file);
      else kept.set(twin === undefined ? short : name, file);
    }
  }

  /** In order of time. */
  #names(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((name) => name.endsWith(extension) && !name.startsWith('.'))
        .sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
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

/**
 * The time in the name is that of the write; a link has the time at which the file was saved before. Names of older
 * versions have no milliseconds.
 */
function timeOf(id: string, otherwise: number): number {
  const match = /^(\d{4}-\d\d-\d\dT)(\d\d)(\d\d)(\d\d(?:\.\d{3})?)-/.exec(id);
  const at = match ? Date.parse(`${match[1]}${match[2]}:${match[3]}:${match[4]}`) : NaN;
  return Number.isNaN(at) ? otherwise : at;
}
