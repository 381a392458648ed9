/** The installed VSIX in a real VS Code: two windows on one folder. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import {
  openContainer,
  openFile,
  openWindow,
  quickInput,
  reloadWindow,
  runCommand,
  screenshot,
  shownAt,
  statusBarItem,
  treeRow,
  webviewFrame,
} from '../editor/window';
import { useInstalled } from './installed';

const statusItem = 'wavelock.wavelock.status';

describe('two windows, one workflow', () => {
  const here = useInstalled();
  const original = readFileSync('test/fixtures/sample/STATE.md', 'utf8');
  const stateFile = (): string => join(here.folder, 'STATE.md');

  async function window(): Promise<Page> {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await openContainer(page, 'Wavelock');
    await statusBarItem(page, statusItem).waitFor();
    return page;
  }

  const showsWave = (page: Page, wave: string): Promise<unknown> =>
    Promise.all([
      statusBarItem(page, statusItem).filter({ hasText: wave }).waitFor(),
      treeRow(page, `Double-entry ledger migration`).filter({ hasText: wave }).waitFor(),
    ]);

  it('Advance Wave in one shows in the other within 1 s, and changes three lines of the file', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    await Promise.all([showsWave(a, 'Wave 1/3'), showsWave(b, 'Wave 1/3')]);
    const text = 'Wave 2/3';
    const shown = shownAt(
      b,
      { selector: `.statusbar-item[id="${statusItem}"]`, text },
      { selector: '.tree-explorer-viewlet-tree-view .monaco-list-row', text },
    );
    await runCommand(a, 'Wavelock: Advance Wave');
    await showsWave(a, 'Wave 2/3');
    const lag = Math.round((await shown) - statSync(stateFile()).mtimeMs);
    console.log(`      the other window showed it ${lag} ms after the file was written`);
    assert.ok(lag < 1_000, `${lag} ms`);

    const after = readFileSync(stateFile(), 'utf8').split('\n');
    const changed = original
      .split('\n')
      .flatMap((line, index) => (line === after[index] ? [] : [index + 1]));
    assert.deepEqual(changed, [4, 6, 10]);
    assert.equal(after.length, original.split('\n').length);
    assert.equal(after[3], '**Status:** Wave 2/3');
    await screenshot(b, 'two-windows-after-advance');
  });

  it('says what blocks, and advances by force with a reason', async () => {
    const page = await window();
    await runCommand(page, 'Wavelock: Advance Wave');
    await showsWave(page, 'Wave 2/3');
    const before = readFileSync(stateFile(), 'utf8');
    await runCommand(page, 'Wavelock: Advance Wave');
    const notice = page.locator('.notification-toast', { hasText: 'of wave 2 are not completed' });
    await notice.waitFor();
    assert.match(await notice.innerText(), /2-01 \(not started\)/);
    assert.equal(readFileSync(stateFile(), 'utf8'), before);
    await notice.getByRole('button', { name: 'Advance Anyway…' }).click();
    await quickInput(page).fill('demo at noon');
    await page.keyboard.press('Enter');
    await showsWave(page, 'Wave 3/3');
  });

  it('the panel follows, advances, and is there again after a reload', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    await runCommand(a, 'Wavelock: Open Run-State Panel');
    let panel = await webviewFrame(a, 'wl-panel');
    await panel.getByText('Wave 1/3').first().waitFor();
    const glyphs = await panel.evaluate(
      async () => (await document.fonts.load('16px codicon')).length,
    );
    assert.equal(glyphs, 1, 'the font of the glyphs loads under the policy');
    await panel.getByRole('button', { name: /Advance Wave/ }).click();
    await panel.getByText('Wave 2/3').first().waitFor();
    await showsWave(b, 'Wave 2/3');
    await reloadWindow(a);
    panel = await webviewFrame(a, 'wl-panel');
    await panel.getByText('Wave 2/3').first().waitFor();
    await screenshot(a, 'panel-after-reload');
  });

  it('an invalid file is shown with its reason in both windows, and stays as it is', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    const broken = original.replace('**Status:** Wave 1/3', '**Status:** soon');
    writeFileSync(stateFile(), broken);
    for (const page of [a, b]) {
      await statusBarItem(page, statusItem).filter({ hasText: 'Invalid workflow' }).waitFor();
      await treeRow(page, 'invalid file').waitFor();
    }
    await runCommand(a, 'Wavelock: Advance Wave');
    await a.locator('.notification-toast', { hasText: 'not a valid workflow file' }).waitFor();
    assert.equal(readFileSync(stateFile(), 'utf8'), broken);
  });

  it('unsaved changes in one window take up what another advances, and a save writes both', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    await openFile(b, 'STATE.md');
    await b.locator('.monaco-editor .view-line').first().click();
    await b.locator('.monaco-editor.focused').waitFor();
    await b.keyboard.press('ControlOrMeta+End');
    await b.keyboard.type('- typed and not saved');
    await b.locator('.tab.active.dirty').waitFor();
    await runCommand(a, 'Wavelock: Advance Wave');
    await showsWave(b, 'Wave 2/3');
    await b.keyboard.press('ControlOrMeta+Home');
    await b.locator('.monaco-editor .view-line', { hasText: 'Wave 2/3' }).first().waitFor();
    assert.doesNotMatch(readFileSync(stateFile(), 'utf8'), /typed/);
    assert.ok(await b.locator('.tab.active.dirty').isVisible(), 'nobody has saved');
    await b.keyboard.press('ControlOrMeta+S');
    await b.locator('.tab.active:not(.dirty)').waitFor();
    assert.match(readFileSync(stateFile(), 'utf8'), /Wave 2\/3[\s\S]*- typed and not saved/);
    assert.equal(await b.locator('.notification-toast').count(), 0);
  });

  it('a folder without a workflow gets a welcome, and no store', async () => {
    rmSync(stateFile());
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await openContainer(page, 'Wavelock');
    await page
      .locator('.welcome-view-content', { hasText: 'No workflow in this workspace yet' })
      .waitFor();
    await screenshot(page, 'welcome');
    assert.throws(() => readFileSync(join(here.folder, '.wavelock/store.db')), { code: 'ENOENT' });
    // And as soon as there is one, it is shown.
    writeFileSync(stateFile(), original);
    await showsWave(page, 'Wave 1/3');
  });
});
