/**
 * Notices what other processes commit. They overwrite the hint file after each commit and a watch on it
 * tells within a millisecond; the database's own version counter is looked at now and then, because a
 * watch can die without a word (a removed file, an exhausted limit, some mounts).
 */
import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { Disposable } from '../shared/lifecycle';
import { Busy, type Engine } from './engine';
import { headFile } from './sqlite/witness';

const safetyNet = 500;

export interface FollowerListener {
  changed(): void;
  failed(error: Error): void;
}

export class Follower implements Disposable {
  #watcher: FSWatcher | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly folder: string,
    private readonly engine: Engine,
    private readonly listener: FollowerListener,
  ) {
    this.#watch();
    this.#timer = setInterval(() => {
      this.#look();
    }, safetyNet);
    this.#timer.unref();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): void {
    try {
      this.#watcher = watch(join(this.folder, headFile), { persistent: false }, (event) => {
        // Removed or replaced: the watch hears nothing of the file that bears the name now.
        if (event === 'rename') {
          this.#unwatch();
          this.#watch();
        }
        this.listener.changed();
      });
      this.#watcher.on('error', () => {
        this.#unwatch();
      });
    } catch (error) {
      // The net alone is slower and just as right.
      if ((error as NodeJS.ErrnoException).syscall !== 'watch') throw error;
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #look(): void {
    try {
      if (this.#watcher === undefined) this.#watch();
      if (this.engine.othersCommitted()) this.listener.changed();
    } catch (error) {
      // Somebody is writing; there will be something to see at the next look.
      if (!(error instanceof Busy)) this.listener.failed(error as Error);
    }
  }
}
