/** Stores in folders of their own, ended and removed after each test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { AgentName, AdvanceWave, SessionId } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import type { FileLockOptions } from '../../src/store/fileLock';
import { processIdentity } from '../../src/store/hostClock';
import { openLocalStore } from '../../src/store/localStore';
import type { MountQuestions } from '../../src/store/mounts';
import { newId } from '../../src/store/newId';
import { placeOf, type Place } from '../../src/store/place';
import { dailyTemp } from '../../src/store/sqlite/backups';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { advanceOf, planOf } from '../core/plans';

/** A folder stands where SQLite would put the journal of today's backup, whichever hour it is begun in. */
export function obstructDailyBackup(storeFolder: string): void {
  for (const at of [Date.now(), Date.now() + 60 * 60_000])
    mkdirSync(`${dailyTemp(storeFolder, at)}-journal`, { recursive: true });
}

export class Workbench {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-')));
  readonly #open: Store[] = [];

  get storeFolder(): string {
    return join(this.folder, '.wavelock');
  }

  get database(): string {
    return join(this.storeFolder, 'store.db');
  }

  get place(): Place {
    return placeOf(this.folder);
  }

  async store(): Promise<Store> {
    return this.#keep(
      await openLocalStore({ place: this.place, identity: identity(), durability: 'full' }),
    );
  }

  /** As on a disk of another machine: without a write-ahead log. */
  async networkStore(): Promise<Store> {
    return this.#keep(
      await openLocalStore({
        place: this.place,
        identity: identity(),
        durability: 'full',
        mounts: nfs,
      }),
    );
  }

  async threadStore(): Promise<Store> {
    const options = { place: this.place, identity: identity(), durability: 'full' } as const;
    return this.#keep(await openThreadStore(options, resolve('dist/storeThread.js')));
  }

  /** For a lock of one of the folder's files, where no store is needed. */
  lockOptions(waitMs: number, staleMs = 2_000): FileLockOptions {
    const notes = join(this.folder, '.wavelock', 'lockfiles');
    // A lock is a store's, which is there before it.
    mkdirSync(dirname(notes), { recursive: true, mode: 0o700 });
    return { waitMs, staleMs, notes, process: processIdentity(hostname(), process.pid) };
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async clear(): Promise<void> {
    await Promise.all(this.#open.map((store) => store.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #keep(store: Store): Store {
    this.#open.push(store);
    return store;
  }
}

export const nfs: MountQuestions = {
  platform: 'linux',
  fileSystem: () => 0x6969,
  realPath: (folder) => folder,
  mounts: () => '',
};

export function identity(): Identity {
  const session = newId('ses') as SessionId;
  return {
    agent: 'tester' as AgentName,
    named: true,
    kind: 'other',
    session,
    host: hostname(),
    pid: process.pid,
  };
}

/** An advance that is always granted, of a workflow of its own. */
export function anAdvance(workflow: string, wave = 0): AdvanceWave {
  const waves = Array.from({ length: 50 }, (_, index) =>
    index < wave ? (['done'] as const) : (['todo'] as const),
  );
  return advanceOf(
    { ...planOf(wave, waves), id: workflow as never },
    { file: `${workflow}/STATE.md` as never },
  );
}

export function stateMd(options: {
  wave: number;
  waves: readonly (readonly string[])[];
  id?: string;
}): string {
  const sections = options.waves.map((boxes, index) => {
    const tasks = boxes.map((box, position) => `- [${box}] **${index + 1}-${position + 1}**: Task`);
    return `### Wave ${index + 1}\n${tasks.join('\n')}\n`;
  });
  const count = options.waves.length;
  const percent = Math.floor((100 * options.wave) / count);
  const cells = Math.floor((20 * options.wave) / count);
  return [
    '# Workflow: Test',
    '',
    `**Workflow ID:** \`${options.id ?? 'wf'}\``,
    `**Status:** Wave ${options.wave}/${count}`,
    '**Started:** 2026-01-01 10:00:00',
    '**Updated:** 2026-01-01 10:00:00',
    '',
    '---',
    '',
    `**Progress:** \`${'█'.repeat(cells)}${'░'.repeat(20 - cells)}\` ${percent}%`,
    '',
    `## 📋 Pending (${options.waves.flat().length} tasks)`,
    '',
    ...sections,
    '## Notes',
    '',
    '- A note with trailing spaces   ',
    '',
  ].join('\n');
}
