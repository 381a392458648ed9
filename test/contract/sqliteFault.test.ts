/** What SQLite says of the disk, in words that help. The storms of failing calls are in crash/syscalls. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import { asFault } from '../../src/store/sqlite/sqliteFault';

describe('faults of SQLite', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wavelock-fault-'));
    path = join(folder, 'store.db');
    writeFileSync(path, '');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const said = (errcode: number): string => {
    const fault = asFault(Object.assign(new Error('as SQLite says it'), { errcode }), path);
    assert.ok(isStoreError(fault), String(fault));
    assert.ok(fault.message.includes(path));
    return fault.code;
  };

  it('a lock that is never had is one of the disk, not a mistake of ours', () => {
    assert.equal(said(15), 'store_io');
  });

  it('damage is called damage where the disk is well', () => {
    assert.equal(said(11), 'store_damaged');
    assert.equal(said(26), 'store_damaged');
  });

  it('an extended code is the fault of its primary one', () => {
    assert.equal(said(10 | (12 << 8)), 'store_io');
  });

  it('what is no fault of the store stays what it is', () => {
    const mistake = new TypeError('ours');
    assert.equal(asFault(mistake, path), mistake);
  });
});
