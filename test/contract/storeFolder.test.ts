/** The store's folder: whose it is, where it lies, and what may stand in it. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError } from '../../src/core/errors';
import type { RunId } from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { networkOf, type MountQuestions } from '../../src/store/mounts';
import { Archive } from '../../src/store/sqlite/archive';
import { copyStore } from '../../src/store/sqlite/restore';
import { verifyStore } from '../../src/store/sqlite/verify';
import { prepareStoreFolder } from '../../src/store/storeFolder';
import { anAdvance, nfs, Workbench } from './stores';

describe('store folder: what stands in it', () => {
  let bench: Workbench;
  let folder: string;
  beforeEach(() => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
  });
  afterEach(() => bench.clear());

  const codes = (): string[] => prepareStoreFolder(folder).warnings.map(({ code }) => code);

  for (const name of [
    'backups',
    'held',
    'lockfiles',
    'logs',
    'set-aside',
    'store-backups',
    'texts',
    '.gitignore',
    'head',
  ]) {
    it(`${name} as a link out of the folder is named, and nothing is written behind it`, async () => {
      mkdirSync(folder);
      const target = join(bench.folder, 'elsewhere');
      if (name.includes('.') || name === 'head') writeFileSync(target, 'precious');
      else mkdirSync(target);
      symlinkSync(target, join(folder, name));
      await assert.rejects(bench.store(), (error) => {
        assert.ok(isStoreError(error));
        assert.equal(error.code, 'store_foreign');
        assert.ok(error.message.includes(join(folder, name)), error.message);
        return true;
      });
      assert.ok(lstatSync(join(folder, name)).isSymbolicLink());
      assert.ok(!existsSync(join(folder, 'store.db')));
      if (statSync(target).isDirectory()) assert.deepEqual(readdirSync(target), []);
      else assert.equal(readFileSync(target, 'utf8'), 'precious');
    });
  }

  it('one that we make is the owner’s alone and warns of nothing', () => {
    assert.deepEqual(codes(), []);
    assert.deepEqual(codes(), []);
    if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  it('one that others can read or change stays as it is, with a warning', function () {
    if (process.platform === 'win32') this.skip();
    mkdirSync(folder);
    for (const [mode, word] of [
      [0o755, 'read'],
      [0o777, 'change'],
    ] as const) {
      chmodSync(folder, mode);
      const { warnings } = prepareStoreFolder(folder);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['open_to_others'],
      );
      assert.match(warnings[0]!.message, new RegExp(`can ${word} the store`));
      assert.equal(statSync(folder).mode & 0o777, mode);
    }
  });

  it('a folder of somebody’s files gets no `.gitignore` that would hide them', () => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'notes.txt'), 'precious');
    assert.deepEqual(codes(), ['seen_by_git']);
    assert.deepEqual(readdirSync(folder), ['notes.txt']);
    writeFileSync(join(folder, '.gitignore'), 'store.db*\n');
    assert.deepEqual(codes(), []);
    assert.equal(readFileSync(join(folder, '.gitignore'), 'utf8'), 'store.db*\n');
  });
});

describe('store folder: on whose disk it lies', () => {
  const at = (answers: Partial<MountQuestions>, folder = '/work/.wavelock'): string | null =>
    networkOf(folder, { ...nfs, ...answers });

  it('Linux: by the kernel’s number of the file system', () => {
    const kinds: readonly (readonly [number, string | null])[] = [
      [0xef53, null],
      [0x9123683e, null],
      [0x58465342, null],
      [0x01021994, null],
      [0x794c7630, null],
      [0x2fc12fc1, null],
      [0x6969, 'NFS'],
      [0xff534d42, 'CIFS'],
      [0xfe534d42, 'SMB2'],
      [0xfe534d42 | 0, 'SMB2'],
      [0x01021997, '9P'],
      [0x65735546, 'FUSE'],
    ];
    for (const [type, name] of kinds) assert.equal(at({ fileSystem: () => type }), name);
  });

  it('macOS: by the mount that holds it, asked only when it is not the root’s kind', () => {
    const mounts = () =>
      [
        '/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)',
        '/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)',
        '//me@server/share on /Volumes/my share (smbfs, nodev, nosuid, mounted by me)',
        'server:/export on /Volumes/my share/deep (nfs)',
        'me@host: on /Volumes/far (macfuse, nodev, nosuid, synchronous, mounted by me)',
        '/dev/disk5s1 on /Volumes/stick (msdos, local, nodev)',
      ].join('\n');
    const mac = (folder: string): string | null =>
      at({ platform: 'darwin', fileSystem: (path) => (path === '/' ? 26 : 30), mounts }, folder);
    assert.equal(mac('/Volumes/my share/repo'), 'smbfs');
    assert.equal(mac('/Volumes/my share/deep/repo'), 'nfs');
    assert.equal(mac('/Volumes/my share deeper'), null);
    assert.equal(mac('/Volumes/far'), 'macfuse');
    assert.equal(mac('/Volumes/stick/repo'), null);
    const asked = (): never => assert.fail('there was no need to ask');
    assert.equal(at({ platform: 'darwin', fileSystem: () => 26, mounts: asked }), null);
  });

  it('Windows: by the real path, which shows what a drive letter stands for', () => {
    const on = (real: string): string | null => at({ platform: 'win32', realPath: () => real });
    assert.equal(on('C:\\repo'), null);
    assert.equal(on('\\\\?\\C:\\repo'), null);
    assert.equal(on('\\\\server\\share\\repo'), 'network share');
    assert.equal(on('\\\\?\\UNC\\server\\share'), 'network share');
    assert.equal(on('\\\\wsl.localhost\\Ubuntu\\home'), 'network share');
  });

  it('this machine can be asked, and a temp folder is found to be local', () => {
    const bench = new Workbench();
    assert.equal(networkOf(bench.folder), null);
    return bench.clear();
  });
});

describe('store folder: without a write-ahead log', () => {
  let bench: Workbench;
  let folder: string;
  beforeEach(() => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
  });
  afterEach(() => bench.clear());

  it('warns with the file system’s name, and writes no log', async () => {
    const store = await bench.networkStore();
    assert.deepEqual(
      store.warnings.map(({ code }) => code),
      ['network_folder'],
    );
    assert.match(store.warnings[0]!.message, /another machine \(NFS\)/);
    await store.submit(anAdvance('wf'));
    assert.ok(!existsSync(join(folder, 'store.db-wal')));
    assert.ok((await verifyStore(folder)).ok);
    assert.ok((await store.backup()).seq > 0);
  });

  it('a store with a log goes on without one, and stays so where both can reach it', async () => {
    const local = await bench.store();
    await local.submit(anAdvance('one'));
    await local.close();
    const far = await bench.networkStore();
    assert.equal((await far.read('versions', {})).journal, 'truncate');
    const near = await bench.store();
    assert.equal((await near.read('versions', {})).journal, 'truncate');
    await Promise.all([near.submit(anAdvance('two')), far.submit(anAdvance('three'))]);
    assert.equal((await near.read('state', {})).workflows.length, 3);
    await Promise.all([near.close(), far.close()]);
    const copy = join(bench.folder, 'copy');
    await copyStore(folder, copy);
    const database = new DatabaseSync(join(copy, 'store.db'));
    assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
    database.close();
  });

  it('what a writer left half written is taken back by whoever opens it next', async () => {
    const store = await bench.networkStore();
    await store.submit(anAdvance('wf'));
    const seq = await store.read('head', {});
    await store.close();
    tearApart(join(folder, 'store.db'), "UPDATE events SET event = event || ' '");
    const again = await bench.networkStore();
    assert.equal(again.readOnlyBecause, undefined);
    assert.equal(await again.read('head', {}), seq);
    assert.ok((await verifyStore(folder)).ok);
  });

  it('the same for the archive, which never has a log', async () => {
    await (await bench.store()).close();
    const path = join(folder, 'archive.db');
    const lineage = 'lineage';
    const rows = Array.from({ length: 200 }, (_, index) =>
      newRun({ id: `run_${index}` as RunId, title: 'x'.repeat(500) }, { now: index }),
    );
    new Archive(folder, lineage).write(rows);
    tearApart(path, "UPDATE runs SET row = replace(row, 'x', 'y')");
    const archive = new Archive(folder, lineage);
    assert.deepEqual(archive.runs(rows.map(({ id }) => id)), rows);
    archive.close();
  });

  /** As a kill in the middle of a commit leaves it: pages of the database changed, and a journal that undoes it. */
  function tearApart(path: string, change: string): void {
    const image = join(bench.folder, 'image.db');
    const writer = new DatabaseSync(path);
    writer.exec(
      'PRAGMA journal_mode = TRUNCATE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN',
    );
    writer.exec(change);
    writer.exec(change);
    cpSync(path, image);
    cpSync(`${path}-journal`, `${image}-journal`);
    writer.exec('ROLLBACK');
    writer.close();
    cpSync(image, path);
    cpSync(`${image}-journal`, `${path}-journal`);
  }
});
