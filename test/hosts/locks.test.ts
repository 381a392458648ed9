/** Locks on files, as two agents and this window see them: commands, the view, badges, the status bar and the guard. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Holder } from '../../src/core/model';
import { thisBoot } from '../../src/store/hostClock';
import { LockDecorations } from '../../src/ui/decorations';
import { LockTree } from '../../src/ui/lockTree';
import type { StatusBar } from '../../src/ui/statusBar';
import { Somebody, useScene } from './scene';
import { treeText } from './treeText';

const command = (name: string, ...values: unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(`wavelock.${name}`, ...values);
const minutes = 60_000;

describe('locks on files', () => {
  const here = useScene('locks');
  let codex: Somebody;
  const source = (): vscode.Uri => vscode.Uri.file(join(here.folder, 'money.ts'));

  before(async () => {
    codex = await Somebody.at(here.folder, 'codex');
    writeFileSync(source().fsPath, 'export const cents = 100;\n');
  });
  after(() => codex.leave());
  afterEach(async () => {
    await codex.does({ kind: 'lock.release', resources: 'all', worktree: '' });
    await here.model.change(({ store }) =>
      store.submit({ kind: 'lock.release', resources: 'all', worktree: '' }),
    );
    await here.until(() => here.model.view.locks.size === 0);
  });

  const locks = (): string[] =>
    [...here.model.view.locks.values()].map(
      ({ resource, mode, agent }) => `${resource} ${mode} ${agent}`,
    );
  const me = (): string => here.parts.model.agent;
  const takes = (resource: string, ttlMs?: number) =>
    codex.does({
      kind: 'lock.acquire',
      wishes: [{ resource, mode: 'write' }],
      worktree: '',
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
  const open = async (uri: vscode.Uri): Promise<vscode.TextEditor> =>
    vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), {
      preview: false,
    });
  const decoration = (uri: vscode.Uri): vscode.FileDecoration | undefined =>
    here.parts.surfaces.decorations?.provideFileDecoration(uri);
  const statusBar = (): StatusBar => here.parts.surfaces.statusBar!;
  /** Types as a person does; whether it arrived. */
  async function typing(editor: vscode.TextEditor): Promise<boolean> {
    // Not whether the text is another: the file may just have been written on the disk.
    await vscode.commands.executeCommand('type', { text: '§' });
    if (!editor.document.getText().includes('§')) return false;
    await vscode.commands.executeCommand('undo');
    return true;
  }
  const aligned = (): Promise<void> => here.parts.surfaces.guard!.align();

  it('Acquire Lock on This File takes the active file, and everything shows it as mine', async () => {
    await open(source());
    await command('acquireLock');
    await here.until(() => here.model.view.locks.size === 1);
    assert.deepEqual(locks(), [`money.ts write ${me()}`]);
    assert.match(
      (await treeText(here.parts.surfaces.lockTree!)).split('\n')[0] ?? '',
      /^money\.ts — write · this window · (29|30) min left \[lock\]$/,
    );
    assert.match(statusBar().text ?? '', /Wave 2\/3 {2}\$\(lock\) mine, (29|30) min left/);
    assert.equal(statusBar().warns, false);
    assert.equal(decoration(source())?.badge, '✎');
    await command('releaseLock');
    await here.until(() => here.model.view.locks.size === 0);
    assert.equal(decoration(source()), undefined);
    assert.match(statusBar().text ?? '', /\$\(unlock\)$/);
    assert.match(statusBar().tooltip, /money\.ts: free/);
  });

  it('a file that another agent writes is badged, named in the status bar, and read-only until it is free', async () => {
    const editor = await open(source());
    assert.equal(await typing(editor), true);
    await takes('money.ts', 4 * minutes + 30_000);
    await here.until(() => here.model.view.locks.size === 1);
    await aligned();
    assert.equal(here.parts.surfaces.guard?.holds(source()), true);
    assert.equal(await typing(editor), false, 'the editor is read-only');
    assert.equal(decoration(source())?.badge, '🔒');
    assert.match(
      decoration(source())?.tooltip ?? '',
      /^Locked by codex until .*: read-only in this window meanwhile$/,
    );
    assert.match(statusBar().text ?? '', /\$\(lock\) held by codex, 4 min left/);
    assert.equal(statusBar().warns, false, 'a lock is nothing to worry about');

    await codex.does({ kind: 'lock.release', resources: ['money.ts'], worktree: '' });
    const released = performance.now();
    await here.until(() => here.model.view.locks.size === 0);
    await aligned();
    assert.ok(performance.now() - released < 1_000);
    assert.equal(await typing(editor), true, 'it is writable again');
  });

  it('a file that was freed in the background is writable when somebody looks at it again', async () => {
    const editor = await open(source());
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await aligned();
    assert.equal(await typing(editor), false);
    await open(vscode.Uri.file(here.file));
    await codex.does({ kind: 'lock.release', resources: ['money.ts'], worktree: '' });
    await here.until(() => here.model.view.locks.size === 0);
    await aligned();
    const again = await open(source());
    await aligned();
    assert.equal(await typing(again), true);
  });

  it('a lock that runs out frees the file without anybody saying so', async () => {
    const editor = await open(source());
    const place = here.parts.locks.place(source());
    assert.ok(place);
    const isStale = (): boolean => here.parts.locks.stateOf(place, Date.now()).state === 'stale';
    const over = new Promise<void>((resolve) => {
      const listener = here.parts.surfaces.decorations?.onDidChangeFileDecorations(() => {
        if (!isStale()) return;
        listener?.dispose();
        resolve();
      });
    });
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await aligned();
    assert.equal(await typing(editor), false);
    // Taken again by its holder, for the last time.
    await takes('money.ts', 1_000);
    await over;
    await aligned();
    assert.equal(await typing(editor), true);
    assert.equal(decoration(source()), undefined);
    assert.match(statusBar().text ?? '', /stale lock of codex/);
    assert.equal(statusBar().warns, true);
    here.parts.surfaces.lockTree?.refresh();
    assert.match(await treeText(here.parts.surfaces.lockTree!), /codex · expired \[watch\]/);
  });

  it('a lock that runs out in the moment in which it is looked at is seen to be over', async () => {
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    const [lock] = here.model.view.locks.values();
    assert.ok(lock);
    let now = lock.expiresAt - 1;
    const decorations = new LockDecorations(here.parts.model, here.parts.locks, () => now++);
    decorations.follow(undefined);
    await new Promise<unknown>((resolve) => decorations.onDidChangeFileDecorations(resolve));
    assert.equal(decorations.provideFileDecoration(source()), undefined);
    decorations.dispose();
  });

  it('a file with unsaved changes is left writable, and becomes read-only once it is saved', async () => {
    const editor = await open(source());
    await vscode.commands.executeCommand('type', { text: '// mine\n' });
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await aligned();
    assert.equal(await typing(editor), true);
    await editor.document.save();
    await aligned();
    assert.equal(await typing(editor), false);
  });

  it('the guard can be switched off, and gives back what it has taken', async () => {
    const editor = await open(source());
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await aligned();
    assert.equal(await typing(editor), false);
    const settings = vscode.workspace.getConfiguration('wavelock');
    await settings.update('readonlyGuard.enabled', false, vscode.ConfigurationTarget.Workspace);
    try {
      await aligned();
      assert.equal(await typing(editor), true);
    } finally {
      await settings.update(
        'readonlyGuard.enabled',
        undefined,
        vscode.ConfigurationTarget.Workspace,
      );
    }
  });

  it('locks on a symbol and by a pattern hold the files that they mean, and no other', async () => {
    await takes('glob:src/**/*.ts');
    await takes('money.ts#cents');
    await here.until(() => here.model.view.locks.size === 2);
    const at = (file: string): string | undefined =>
      decoration(vscode.Uri.file(join(here.folder, file)))?.badge;
    assert.deepEqual(['money.ts', 'src/a/b.ts', 'src/a/b.js', 'other.ts'].map(at), [
      '🔒',
      '🔒',
      undefined,
      undefined,
    ]);
  });

  it('a lock that is held is refused with the holder, and what unblocks is offered', async () => {
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await command('acquireLock', source());
    const said = await here.dialogue.hears(/codex/);
    assert.deepEqual(said.buttons, ['Wait for It', 'Show Lock Holder', 'Break Lock…']);
    here.dialogue.will({ dismiss: true });
    said.press('Show Lock Holder');
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(here.dialogue.offered[0]?.title, 'money.ts is locked by codex');
    assert.match(
      here.dialogue.offered[0].labels.join('\n'),
      /Break Lock…\n.*\nwrite, (29|30) min left\nHeld since .*\nLast sign of life just now on .*/,
    );
  });

  it('Show Lock Holder says who, how long and what it stands on, and leads to Break Lock', async () => {
    await takes('money.ts', 4 * minutes + 30_000);
    await here.until(() => here.model.view.locks.size === 1);
    here.dialogue.will({ dismiss: true });
    await command('showLockHolder', source());
    const shown = here.dialogue.offered.at(-1);
    assert.equal(shown?.title, 'money.ts is locked by codex');
    assert.match(shown.labels[0] ?? '', /Break Lock…/);
    assert.match(shown.labels.join('\n'), /4 min left/);
    assert.equal(here.model.view.locks.size, 1, 'looking changes nothing');
    await codex.does({ kind: 'lock.release', resources: ['money.ts'], worktree: '' });
  });

  it('Break Lock needs a reason, takes the lock from its holder, and is written down', async () => {
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    here.dialogue.will({ type: '  ' });
    await command('breakLock', source());
    assert.equal(here.model.view.locks.size, 1, 'no reason, no break');
    here.dialogue.will({ type: 'codex went home' });
    await command('breakLock', source());
    await here.until(() => here.model.view.locks.size === 0);
  });

  it('who waits is shown with their position, and gets the lock when it is free', async () => {
    await open(source());
    await command('acquireLock');
    const refused = await codex.asks({
      kind: 'lock.acquire',
      wishes: [{ resource: 'money.ts', mode: 'write' }],
      worktree: '',
      waiter: 'wtr_0123456789' as never,
    });
    assert.equal(refused.ok, false);
    await here.until(() => here.model.view.waiters.size === 1);
    assert.match(
      await treeText(here.parts.surfaces.lockTree!),
      /^money\.ts — write · this window · .* · one waits \[lock\]\n {2}codex — waits at position 1 · since /,
    );
    await codex.does({ kind: 'lock.unwait', waiter: 'wtr_0123456789' as never });
    await here.until(() => here.model.view.waiters.size === 0);
  });

  it('Wait for It stands in line, and has the lock as soon as its turn comes', async () => {
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    await command('acquireLock', source());
    const said = await here.dialogue.hears(/codex/);
    said.press('Wait for It');
    await here.until(() => here.model.view.waiters.size === 1);
    await codex.does({ kind: 'lock.release', resources: ['money.ts'], worktree: '' });
    await here.until(() => [...here.model.view.locks.values()].some(({ agent }) => agent === me()));
  });

  it('time left counts down by the minute, and asks for one look at the next', async () => {
    await takes('money.ts', 10 * minutes);
    await takes('book.ts', 90 * minutes);
    await here.until(() => here.model.view.locks.size === 2);
    const start =
      [...here.model.view.locks.values()].find(({ resource }) => resource === 'money.ts')!
        .expiresAt -
      10 * minutes;
    let now = start + 1;
    const tree = new LockTree(here.parts.model, () => now);
    const seen = async (): Promise<string> => {
      const text = await treeText(tree);
      return text
        .split('\n')
        .filter((line) => !line.startsWith(' '))
        .join('\n')
        .replace(/codex · /g, '')
        .replace(/write · /g, '');
    };
    assert.equal(await seen(), 'book.ts — 1 h 30 min left [lock]\nmoney.ts — 9 min left [lock]');
    const told: unknown[] = [];
    const listener = tree.onDidChangeTreeData((nodes) => told.push(nodes));
    tree.refresh();
    assert.deepEqual(told, [], 'nothing reads otherwise yet');
    const next = tree.changesAt();
    assert.ok(next > now && next <= start + minutes + 1, 'one look, at the next full minute');
    now = start + 9 * minutes + 30_000;
    tree.refresh();
    assert.equal(
      await seen(),
      'book.ts — 1 h 20 min left [lock]\nmoney.ts — less than 1 min left [lock]',
    );
    listener.dispose();
    tree.dispose();
  });

  it('an agent shows what it holds, and this window comes first', async () => {
    await takes('money.ts');
    await here.until(() => here.model.view.locks.size === 1);
    const text = await treeText(here.parts.surfaces.agents!);
    assert.match(text.split('\n')[0] ?? '', /^This window — .* · here · holds .* \[window\]$/);
    assert.match(
      text,
      /codex — terminal · .* · just now · holds one thing \[terminal\]\n {2}money\.ts — write · (29|30) min left \[lock\]/,
    );
  });

  it('a workflow file that another process is writing is held until it is done or gone', async () => {
    const uri = vscode.Uri.file(here.file);
    const editor = await open(uri);
    const place = here.parts.locks.place(uri);
    assert.ok(place);
    const since = Date.now() - 1_000;
    const holder = { agent: 'cli', session: codex.session, host: 'elsewhere', pid: 7, since };
    const guard = { file: place.file, worktree: '' } as const;
    const hold = (by: object) =>
      codex.does({ kind: 'guard.hold', ...guard, holder: { ...holder, ...by } as Holder });
    const state = (): string => here.parts.locks.stateOf(place, Date.now()).state;
    // The window itself may have it for a moment, to tell the store of the last edit.
    await here.until(
      () =>
        ![...here.model.view.guards.values()].some(
          ({ holder: { session } }) => session === here.model.session,
        ),
    );
    mkdirSync(`${here.file}.lock`);
    try {
      const { bootId, pidNamespace } = thisBoot;
      await hold({ bootId, pidNamespace, startTime: '1', pid: 2 ** 22 + 1 });
      await here.until(() => state() === 'abandoned');
      assert.match(statusBar().text ?? '', /stale lock of cli/);
      assert.equal(statusBar().warns, true);
      await hold({});
      await here.until(() => state() === 'guarded');
      await aligned();
      assert.match(statusBar().text ?? '', /held by cli/);
      assert.equal(here.parts.surfaces.guard?.holds(uri), true);
      assert.equal(await typing(editor), false);
    } finally {
      rmSync(`${here.file}.lock`, { recursive: true });
    }
    await codex.does({ kind: 'guard.free', ...guard });
    await here.until(() => state() !== 'guarded');
    await aligned();
    assert.equal(await typing(editor), true);
  });
});
