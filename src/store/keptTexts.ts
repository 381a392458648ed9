/**
 * Contents that a workflow file has had, by their hashes: what a change by hand is compared with, and what merges
 * are made of. Beside the store in `texts/<workflow>/<hash>`; of no use to people, who have the backups.
 *
 * A text that is missing or damaged is not there: a change is then imported without knowing what it changed.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentHash, WorkflowId } from '../core/model';
import { clearOldTempFiles, keepContent, writesTakeMs, type FileOps } from './durableFs';
import { folderNameOf, hashOf } from './workflowFile';

/** How many are kept beside those that are still needed, or may be about to be. */
const most = 24;

export class KeptTexts {
  readonly #folder: string;

  constructor(
    storeFolder: string,
    workflow: WorkflowId,
    private readonly ops: FileOps,
  ) {
    this.#folder = join(storeFolder, 'texts', folderNameOf(workflow));
  }

  /**
   * Not flushed: what a power cut takes was in the file, or never got there, and is kept again when it is seen.
   * What a promise or a conflict refers to is kept `durably`.
   */
  keep(content: string | Uint8Array, durably?: 'durably'): ContentHash {
    const hash = hashOf(content);
    keepContent(join(this.#folder, hash), content, { ops: this.ops, flush: durably !== undefined });
    return hash;
  }

  read(hash: ContentHash): string | undefined {
    try {
      const bytes = readFileSync(join(this.#folder, hash));
      return hashOf(bytes) === hash ? bytes.toString('utf8') : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * What was kept a moment ago stays, needed or not: where the lockfile does not keep writers apart, another may be
   * about to promise or to announce it.
   */
  prune(needed: ReadonlySet<ContentHash>, now: number): void {
    const before = now - writesTakeMs;
    clearOldTempFiles(this.#folder, before, this.ops);
    const spare = this.#byAge().filter(({ hash }) => !needed.has(hash));
    for (const { hash, at } of spare.slice(most))
      if (at < before) this.ops.remove(join(this.#folder, hash));
  }

  #byAge(): { readonly hash: ContentHash; readonly at: number }[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    return names
      .flatMap((name) => {
        const stats = statSync(join(this.#folder, name), { throwIfNoEntry: false });
        return stats && /^[0-9a-f]{64}$/.test(name)
          ? [{ hash: name as ContentHash, at: stats.mtimeMs }]
          : [];
      })
      .sort((one, other) => other.at - one.at);
  }
}
