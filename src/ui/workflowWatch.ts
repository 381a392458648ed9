/**
 * The workflow files of one workspace folder as they are on the disk, read anew when one of them may have changed:
 * by a person, by another program, by a switch of branches.
 */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Place } from '../store/place';
import type { Reading, Severities } from '../store/workflowReading';
import {
  hashOf,
  readWorkflowFile,
  unreadableFile,
  workflowFileName,
  workflowPaths,
  type WorkflowFile,
} from '../store/workflowFile';

/** Saving touches a file several times; one look after the last is enough. */
const settleTime = 25;
const planningFolder = '.planning';
const rootNames = [workflowFileName, planningFolder, 'WAVES.md'];

export interface WatchSettings {
  /** Files beside those that are looked for by name. */
  readonly listed: readonly string[];
  readonly severities: Severities;
}

export class WorkflowWatch implements Disposable {
  readonly #changed: Emitter<readonly WorkflowFile[]>;
  /** Of those that read otherwise than before. */
  readonly onDidChange: Emitter<readonly WorkflowFile[]>['event'];
  readonly #watches = new Map<string, Watch>();
  #files: readonly WorkflowFile[] = [];
  #listed: readonly string[] = [];
  #reading: Reading;
  #settling: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(
    private readonly place: Place,
    private readonly folder: string,
    private readonly log: (message: string, error?: unknown) => void,
  ) {
    this.#changed = new Emitter((error) => {
      log('A workflow file could not be followed', error);
    });
    this.onDidChange = this.#changed.event;
    this.#reading = place;
    this.look();
  }

  get files(): readonly WorkflowFile[] {
    return this.#files;
  }

  /** With the severities that are set in the store, once that is open. */
  get reading(): Reading {
    return this.#reading;
  }

  /** The settings `workflow.files` and `validate.<code>`. */
  configure({ listed, severities }: WatchSettings): void {
    const severe = JSON.stringify([...severities]);
    if (severe !== JSON.stringify([...(this.#reading.severities ?? [])])) {
      this.#reading = { ...this.place, severities };
      this.#files = this.#files.map((file) => ({ ...file, hash: hashOf('') }));
    } else if (listed.join('\0') === this.#listed.join('\0')) return;
    this.#listed = listed;
    this.look();
  }

  /** Now, for who knows that something is new. */
  look(): void {
    if (this.#disposed) return;
    clearTimeout(this.#settling);
    const before = new Map(this.#files.map((file) => [file.path, file]));
    const found = new Map<string, WorkflowFile>();
    for (const path of this.#paths()) {
      const file = this.#read(path);
      if (!file) continue;
      const known = before.get(file.path);
      found.set(file.path, known && readsTheSame(known, file) ? known : file);
    }
    this.#files = [...found.values()];
    this.#watchAll();
    const changed = this.#files.filter((file) => before.get(file.path) !== file);
    if (changed.length > 0 || this.#files.length !== before.size) this.#changed.fire(changed);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#settling);
    this.#changed.dispose();
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
  }

  #paths(): string[] {
    try {
      return workflowPaths(this.place, this.folder, this.#listed);
    } catch (error) {
      this.log('The folder cannot be looked through', error);
      return [];
    }
  }

  #read(path: string): WorkflowFile | undefined {
    try {
      return readWorkflowFile(this.#reading, path);
    } catch (error) {
      this.log(`${path} cannot be read`, error);
      const reason = error instanceof Error ? error.message : String(error);
      return unreadableFile(this.place, path, reason);
    }
  }

  #watchAll(): void {
    const wanted = this.#wanted();
    for (const [folder, { watcher, recursive }] of this.#watches) {
      if (wanted.get(folder)?.recursive === recursive) continue;
      watcher.close();
      this.#watches.delete(folder);
    }
    for (const [folder, { names, recursive }] of wanted) {
      const known = this.#watches.get(folder);
      if (known) known.names = names;
      else this.#watch(folder, names, recursive);
    }
  }

  /** Where a file may appear, where it is, and where it really is if a link leads to it. */
  #wanted(): Map<string, Pick<Watch, 'names' | 'recursive'>> {
    const wanted = new Map<string, { names: Set<string>; recursive: boolean }>();
    const add = (path: string): void => {
      let [folder, name] = [dirname(path), basename(path)];
      // What is not there yet begins with the first of its folders that is not.
      while (!existsSync(folder) && dirname(folder) !== folder)
        [folder, name] = [dirname(folder), basename(folder)];
      const names = wanted.get(folder)?.names ?? new Set();
      wanted.set(folder, { names: names.add(name), recursive: false });
    };
    for (const name of rootNames) add(join(this.folder, name));
    for (const file of this.#listed) add(join(this.place.root, file));
    for (const { path } of this.#files) add(path);
    for (const { path } of this.#files) {
      const folder = dirname(path);
      if (basename(folder) !== planningFolder || !existsSync(folder)) continue;
      wanted.set(folder, { names: new Set(), recursive: true });
    }
    return wanted;
  }

  #watch(folder: string, names: ReadonlySet<string>, recursive: boolean): void {
    try {
      const watcher = watch(folder, { persistent: false, recursive }, (_event, name) => {
        const relevant = it.recursive || name === null || it.names.has(name);
        if (relevant) this.#lookSoon();
      });
      const it: Watch = { watcher, names, recursive };
      this.#watches.set(folder, it);
      watcher.on('error', (error) => {
        this.log(`${folder} cannot be watched any more`, error);
        watcher.close();
        if (this.#watches.get(folder) === it) this.#watches.delete(folder);
      });
    } catch (error) {
      this.log(`${folder} cannot be watched`, error);
    }
  }

  #lookSoon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.look();
    }, settleTime);
  }
}

interface Watch {
  readonly watcher: FSWatcher;
  /** What matters in there; all of it where it is watched with what is below. */
  names: ReadonlySet<string>;
  readonly recursive: boolean;
}

/** What ROADMAP.md means depends on the files beside it. */
function readsTheSame(one: WorkflowFile, other: WorkflowFile): boolean {
  return (
    one.hash === other.hash &&
    one.document.format === other.document.format &&
    one.document.format !== 'planning' &&
    one.document.problems[0]?.message === other.document.problems[0]?.message
  );
}
