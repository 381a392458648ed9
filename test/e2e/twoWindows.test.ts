/** Two windows that get in each other's way: who holds a file, who advances, and what each of them sees. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { EventKind, StoredEvent } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import {
  changeSettings,
  openContainer,
  openFile,
  openWindow,
  quickInput,
  quickPickRow,
  runCommand,
  screenshot,
  shownAt,
  statusBarItem,
  treeAsText,
  treeRow,
} from '../editor/window';
import { openBeside, useInstalled } from './installed';

const statusItem = 'wavelock.wavelock.status';

describe('two windows on one file', () => {
  const here = useInstalled();

  async function window(): Promise<Page> {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await statusBarItem(page, statusItem).waitFor();
    return page;
  }

  /** A look at the store from beside, as any program of this machine has it. */
  async function fromBeside<Result>(look: (store: Store) => Promise<Result>): Promise<Result> {
    const store = await openBeside(here.folder, 'observer');
    try {
      return await look(store);
    } finally {
      await store.close();
    }
  }

  const status = (page: Page, text: string | RegExp): Promise<void> =>
    statusBarItem(page, statusItem).filter({ hasText: text }).waitFor();
  /** What VS Code says of the active tab: the decoration's words, and whether it is read-only. */
  const tab = (page: Page, words: RegExp): Promise<void> =>
    page.locator('.tab.active').getByLabel(words).first().waitFor();
  const readOnly = (page: Page): Promise<void> =>
    page.locator('.tab.active .monaco-icon-label[aria-label*="Read-only"]').waitFor();
  const writableAt = (page: Page): Promise<number> =>
    shownAt(page, {
      selector: '.tab.active .monaco-icon-label:not([aria-label*="Read-only"])',
    });
  const badge = (page: Page, mark: string): Promise<unknown> =>
    page.waitForFunction(
      (wanted) =>
        [
          ...document.querySelectorAll(
            '.explorer-folders-view [aria-label^="money.ts"] .monaco-icon-label',
          ),
        ].some((label) => getComputedStyle(label, '::after').content.includes(wanted)),
      mark,
    );

  async function typeInto(page: Page): Promise<void> {
    await page.locator('.monaco-editor .view-line').first().click();
    await page.locator('.monaco-editor.focused').waitFor();
    await page.keyboard.type('x');
  }

  async function bothOnOneFile(): Promise<[Page, Page]> {
    writeFileSync(join(here.folder, 'money.ts'), 'export const cents = 100;\n');
    const [a, b] = await Promise.all([window(), window()]);
    await Promise.all([openFile(a, 'money.ts'), openFile(b, 'money.ts')]);
    return [a, b];
  }

  it('A takes the lock: B shows badge, holder, time and reason, and is read-only until A gives it back', async () => {
    const [a, b] = await bothOnOneFile();
    await openFile(b, 'STATE.md');
    await runCommand(a, 'Wavelock: Acquire Lock on This File');
    await status(a, /mine, (29|30) min left/);
    await badge(a, '✎');
    await badge(b, '🔒');
    await openFile(b, 'money.ts');
    await readOnly(b);
    await status(b, /held by window:\S+, (29|30) min left/);
    // Why, in the words that the tab's tooltip has.
    await tab(b, /Locked by window:\S+ until .*: read-only in this window meanwhile/);
    await typeInto(b);
    await b.locator('.monaco-editor-overlaymessage', { hasText: 'read-only' }).waitFor();
    assert.equal(await b.locator('.tab.active.dirty').count(), 0);
    await screenshot(b, 'two-windows-locked');

    const freed = writableAt(b);
    await runCommand(a, 'Wavelock: Release Lock');
    const at = await freed;
    const event = await fromBeside((store) => lastOf(store, 'lock.released'));
    console.log(`      B was writable ${at - event.at} ms after A had given the lock back`);
    assert.ok(at - event.at < 1_000, `${at - event.at} ms`);
    await typeInto(b);
    await b.locator('.tab.active.dirty').waitFor();
  });

  it('a file is locked from the palette however late the extension hears that it was opened', async () => {
    writeFileSync(join(here.folder, 'money.ts'), 'export const cents = 100;\n');
    const page = await window();
    await openContainer(page, 'Wavelock');
    await treeRow(page, 'This window').waitFor();
    const { sessions = [] } = await fromBeside((store) => store.read('state', {}));
    const host = sessions.find(({ agent }) => agent.startsWith('window:'));
    assert.ok(host);
    await openContainer(page, 'Explorer');
    const row = page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'money.ts' });
    await row.waitFor();
    process.kill(host.process.pid, 'SIGSTOP');
    try {
      await row.click();
      await page.locator('.tab.active[data-resource-name="money.ts"]').waitFor();
      await runCommand(page, 'Wavelock: Acquire Lock on This File');
    } finally {
      process.kill(host.process.pid, 'SIGCONT');
    }
    await status(page, /mine, (29|30) min left/);
  });

  it('A is killed: B is writable as soon as the lock has run out', async () => {
    const [a, b] = await bothOnOneFile();
    await fromBeside((store) =>
      store.submit({ kind: 'config.set', key: 'lock.ttl', value: 12_000 }),
    );
    await runCommand(a, 'Wavelock: Acquire Lock on This File');
    await status(b, /held by window:\S+, less than 1 min left/);
    await readOnly(b);
    const { locks = [], sessions = [] } = await fromBeside((store) => store.read('state', {}));
    const [lock] = locks;
    const holder = sessions.find(({ id }) => id === lock?.session);
    assert.ok(lock && holder);
    process.kill(holder.process.pid, 'SIGKILL');
    const late = (await writableAt(b)) - lock.expiresAt;
    console.log(`      B was writable ${late} ms after the lock of the killed window had run out`);
    assert.ok(late >= -50 && late < 1_000, `${late} ms`);
    await typeInto(b);
    await b.locator('.tab.active.dirty').waitFor();
  });

  it('both press Advance Wave at once: one advances, the other is told', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    await Promise.all([status(a, 'Wave 1/3'), status(b, 'Wave 1/3')]);
    for (const page of [a, b]) {
      await page.keyboard.press('F1');
      await quickPickRow(page, '').waitFor();
      await quickInput(page).fill('>Wavelock: Advance Wave');
      await quickPickRow(page, 'Wavelock: Advance Wave').waitFor();
    }
    const told = (page: Page): Locator =>
      page.locator('.notification-toast', { hasText: /wave 1|not completed/i });
    await Promise.all([a, b].map((page) => page.keyboard.press('Enter')));
    await Promise.all([status(a, 'Wave 2/3'), status(b, 'Wave 2/3')]);
    await Promise.race([told(a).waitFor(), told(b).waitFor()]);
    const toasts = (await told(a).count()) + (await told(b).count());
    assert.equal(toasts, 1, 'one of them is told');
    assert.match(readFileSync(join(here.folder, 'STATE.md'), 'utf8'), /Wave 2\/3/);
    const advanced = await fromBeside(async (store) =>
      (await store.read('events', { after: 0, limit: 500 })).filter(
        ({ kind }) => kind === 'workflow.advanced',
      ),
    );
    assert.equal(advanced.length, 1);
  });

  it('a box that is ticked changes the file; one that may not be goes back', async () => {
    const page = await window();
    await openContainer(page, 'Wavelock');
    await runCommand(page, 'Wavelock: Advance Wave');
    await status(page, 'Wave 2/3');
    const box = (task: string): Locator => treeRow(page, task).locator('[role=checkbox]');
    // The rows are where they stay: wave 1 is closed, and the tasks have got their runs.
    for (const row of ['Wave 1', '2-03'])
      await treeRow(page, row).and(page.locator('[aria-expanded=false]')).waitFor();
    await box('2-03').click();
    await page
      .locator('.tree-explorer-viewlet-tree-view', { hasText: '1/4 done' })
      .first()
      .waitFor();
    assert.match(readFileSync(join(here.folder, 'STATE.md'), 'utf8'), /- \[x\] \*\*2-03\*\*/);
    await fromBeside((store) => store.submit({ kind: 'run.claim' }));
    await treeRow(page, 'observer').waitFor();
    await box('2-01').click();
    await page.locator('.notification-toast', { hasText: '2-01' }).waitFor();
    await page
      .locator('.monaco-list-row', { hasText: '2-01' })
      .locator('[role=checkbox][aria-checked=false]')
      .waitFor();
    assert.match(await treeAsText(page, 'Workflows'), /\[ \] 2-01, Running, /);
    assert.match(
      await treeAsText(page, 'Agents'),
      /^This window, .*, holds nothing\nobserver, .*, holds one thing$/m,
    );
    await page.locator('.pane-header[aria-label^="Locks"]').waitFor();
    await screenshot(page, 'views');
  });

  it('an untrusted folder is shown and left alone, and says what to do', async () => {
    await changeSettings(here.editor, {
      'security.workspace.trust.enabled': true,
      'security.workspace.trust.startupPrompt': 'never',
    });
    try {
      const page = await window();
      await openContainer(page, 'Wavelock');
      await treeRow(page, 'Double-entry ledger migration').waitFor();
      await page.locator('.sidebar', { hasText: 'This workspace is not trusted' }).waitFor();
      assert.equal(existsSync(join(here.folder, '.wavelock')), false);
      await runCommand(page, 'Wavelock: Advance Wave');
      await page
        .locator('.notification-toast', { hasText: 'not trusted' })
        .getByRole('button', { name: 'Manage Workspace Trust' })
        .waitFor();
      await screenshot(page, 'untrusted');
      await page.locator('.notification-toast').getByRole('button', { name: 'Clear' }).click();
      assert.doesNotMatch(await treeAsText(page, 'Workflows'), /\[[ x]\]/, 'no box to tick');
      const before = readFileSync(join(here.folder, 'STATE.md'), 'utf8');
      await openFile(page, 'STATE.md');
      const lens = page.locator('.codelens-decoration a');
      await lens.filter({ hasText: 'Wave 1/3 · 3/3 done' }).waitFor();
      assert.equal(await lens.filter({ hasText: /Advance Wave|run all/ }).count(), 0);
      writeFileSync(join(here.folder, 'STATE.md'), before.replace('(7 tasks)', '(9 tasks)'));
      await page.locator('.squiggly-warning').first().waitFor();
      assert.equal(existsSync(join(here.folder, '.wavelock')), false);
    } finally {
      await changeSettings(here.editor, { 'security.workspace.trust.enabled': false });
    }
  });
});

async function lastOf(store: Store, kind: EventKind): Promise<StoredEvent> {
  const events = await store.read('events', { after: 0, limit: 500 });
  const found = events.findLast((event) => event.kind === kind);
  if (!found) throw new Error(`nothing of ${kind} has happened`);
  return found;
}
