/** Where the store is, in repositories that git itself has made. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf, relativeTo } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { anAdvance, identity } from './stores';

function git(cwd: string, ...args: string[]): void {
  const config = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.com',
    '-c',
    'protocol.file.allow=always',
  ];
  execFileSync('git', [...config, ...args], {
    cwd,
    stdio: 'pipe',
    // A repository around the tests, or a hook that runs them, must not be taken for the one here.
    env: { PATH: process.env['PATH'], HOME: cwd, GIT_CONFIG_NOSYSTEM: '1' },
  });
}

describe('place: where the store is', () => {
  let top: string;
  beforeEach(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-place-')));
  });
  afterEach(() => {
    rmSync(top, { recursive: true, force: true });
  });

  function repository(name: string, ...flags: string[]): string {
    const folder = join(top, name);
    mkdirSync(folder);
    git(folder, 'init', '--quiet', ...flags);
    if (!flags.includes('--bare')) git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    return folder;
  }

  function folder(...parts: string[]): string {
    const path = join(top, ...parts);
    mkdirSync(path, { recursive: true });
    return path;
  }

  const storeOf = (from: string, explicit?: string): string =>
    relative(top, placeOf(from, explicit).storeFolder).replaceAll('\\', '/');

  it('at the top of the repository, from any folder in it', () => {
    repository('main');
    assert.equal(storeOf(folder('main')), 'main/.wavelock');
    assert.equal(storeOf(folder('main', 'packages', 'deep')), 'main/.wavelock');
  });

  it('the nearest one that is there, up to the top of the repository and no further', () => {
    repository('main');
    folder('.wavelock');
    folder('main', 'packages', 'a', '.wavelock');
    assert.equal(storeOf(folder('main', 'packages', 'a', 'src')), 'main/packages/a/.wavelock');
    assert.equal(storeOf(folder('main', 'packages', 'b')), 'main/.wavelock');
  });

  it('outside git only the folder itself counts', () => {
    folder('plain', '.wavelock');
    assert.equal(storeOf(folder('plain')), 'plain/.wavelock');
    assert.equal(storeOf(folder('plain', 'inner')), 'plain/inner/.wavelock');
  });

  it('all worktrees have that of the main one, each under its own name', () => {
    const main = repository('main');
    git(main, 'worktree', 'add', '--quiet', '../feature');
    git(main, 'worktree', 'add', '--quiet', '../deep/er/fix');
    assert.equal(storeOf(join(top, 'feature')), 'main/.wavelock');
    assert.equal(storeOf(folder('feature', 'src')), 'main/.wavelock');
    assert.equal(storeOf(join(top, 'deep', 'er', 'fix')), 'main/.wavelock');
    assert.deepEqual(
      [main, join(top, 'feature'), join(top, 'deep', 'er', 'fix')].map(
        (at) => placeOf(at).worktree,
      ),
      ['', 'feature', 'fix'],
    );
    assert.equal(placeOf(folder('feature', 'src')).root, join(top, 'feature'));
  });

  it('worktrees of a bare repository have the repository’s own folder', () => {
    const bare = repository('bare.git', '--bare');
    const source = repository('source');
    git(source, 'push', '--quiet', bare, 'HEAD:refs/heads/one', 'HEAD:refs/heads/two');
    for (const branch of ['one', 'two'])
      git(bare, 'worktree', 'add', '--quiet', `../${branch}`, branch);
    assert.equal(storeOf(join(top, 'one')), 'bare.git/wavelock');
    assert.equal(storeOf(join(top, 'two')), 'bare.git/wavelock');
  });

  it('a repository that lies apart has one store for its main and its linked worktrees', () => {
    const main = repository('main', '--separate-git-dir', join(top, 'apart'));
    git(main, 'worktree', 'add', '--quiet', '../feature');
    assert.equal(storeOf(main), 'apart/wavelock');
    assert.equal(storeOf(join(top, 'feature')), 'apart/wavelock');
  });

  it('a submodule has its own, and its worktrees have that one', () => {
    const library = repository('library');
    const main = repository('main');
    git(main, 'submodule', '--quiet', 'add', library, 'vendor/library');
    const sub = join(main, 'vendor', 'library');
    assert.equal(storeOf(sub), 'main/vendor/library/.wavelock');
    git(sub, 'worktree', 'add', '--quiet', join(top, 'side'));
    assert.equal(storeOf(join(top, 'side')), 'main/vendor/library/.wavelock');
    assert.equal(storeOf(main), 'main/.wavelock');
  });

  it('what is set wins, relative to the folder, under one name however it is reached', () => {
    const main = repository('main');
    folder('elsewhere');
    symlinkSync(join(top, 'elsewhere'), join(top, 'link'));
    assert.equal(storeOf(main, '../elsewhere/store'), 'elsewhere/store');
    assert.equal(storeOf(main, join(top, 'link', 'store')), 'elsewhere/store');
    assert.equal(storeOf(main, join(top, 'link', 'not', 'yet')), 'elsewhere/not/yet');
    assert.equal(storeOf(main, ''), 'main/.wavelock');
  });

  it('a folder that is reached by a link is the folder', () => {
    const main = repository('main');
    symlinkSync(main, join(top, 'link'));
    assert.deepEqual(placeOf(join(top, 'link')), placeOf(main));
  });

  it('paths of workflow files count from the worktree’s top, and never lead out of it', () => {
    const place = placeOf(repository('main'));
    assert.equal(relativeTo(place, join(top, 'main', 'a', 'STATE.md')), 'a/STATE.md');
    for (const out of [top, join(top, 'main'), join(top, 'mainly'), join(top, 'STATE.md')])
      assert.equal(relativeTo(place, out), undefined);
  });

  it('two worktrees work on one store, and each keeps its own file', async () => {
    const main = repository('main');
    git(main, 'worktree', 'add', '--quiet', '../feature');
    const stores: Store[] = [];
    try {
      for (const at of [main, join(top, 'feature')]) {
        const place = placeOf(at);
        const store = await openLocalStore({ place, identity: identity(), durability: 'normal' });
        stores.push(store);
        const { file } = anAdvance('wf');
        const command = { ...anAdvance(`wf-${place.worktree}`), file, worktree: place.worktree };
        assert.ok((await store.submit(command)).ok);
      }
      const { workflows } = await stores[0]!.read('state', {});
      assert.deepEqual(
        workflows.map(({ id, worktree }) => [id, worktree]),
        [
          ['wf-', ''],
          ['wf-feature', 'feature'],
        ],
      );
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  });
});
