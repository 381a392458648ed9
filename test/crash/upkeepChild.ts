/** A process that backs up, restores or archives and dies at a step: `upkeepChild.js FOLDER WORK STEP`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRun } from '../../src/core/codec';
import { makeBackup } from '../../src/store/sqlite/backups';
import { openSqlite } from '../../src/store/sqlite/opening';
import { restoreStore } from '../../src/store/sqlite/restore';
import { identity } from '../contract/stores';

const [folder = '', work = '', fatal = ''] = process.argv.slice(2);

const onStep = (step: string): void => {
  if (step === fatal) process.kill(process.pid, 'SIGKILL');
};

async function archive(): Promise<void> {
  const rows = readFileSync(join(folder, '..', 'rows.json'), 'utf8')
    .split('\n')
    .map((line) => decodeRun(line));
  const options = { folder, identity: identity(), durability: 'full', inThread: false } as const;
  const engine = await openSqlite({ ...options, onStep });
  engine.archive(rows);
  onStep('archived');
  engine.close();
}

const works: Readonly<Record<string, () => Promise<unknown>>> = {
  backup: () => makeBackup(folder, { reason: 'asked', now: Date.now(), onStep }),
  restore: () => restoreStore(folder, 'latest', { now: Date.now(), onStep }),
  archive,
};

void works[work]?.();
