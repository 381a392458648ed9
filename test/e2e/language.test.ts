/** The installed VSIX in a real VS Code: a workflow file in the editor, and two windows that change it at once. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import {
  openFile,
  openWindow,
  quickPickRow,
  runCommand,
  screenshot,
  statusBarItem,
  webviewFrame,
} from '../editor/window';
import { useInstalled } from './installed';

describe('a workflow file in the editor', () => {
  const here = useInstalled();
  const stateFile = (): string => join(here.folder, 'STATE.md');
  const onDisk = (): string => readFileSync(stateFile(), 'utf8');

  async function window(): Promise<Page> {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await statusBarItem(page, 'wavelock.wavelock.status').waitFor();
    await openFile(page, 'STATE.md');
    return page;
  }

  const lens = (page: Page, text: string) =>
    page.locator('.codelens-decoration a', { hasText: text }).first();

  async function findLine(page: Page, text: string): Promise<void> {
    await page.locator('.monaco-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+F');
    const find = page.locator('.find-widget.visible textarea').first();
    await find.fill(text);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
  }

  it('the lens advances the wave, and the lamp mends a problem', async () => {
    const page = await window();
    await lens(page, 'Advance Wave').click();
    await lens(page, 'Wave 2/3 · 0/4 done').waitFor();
    await lens(page, 'Queued').waitFor();
    writeFileSync(stateFile(), onDisk().replace('66%', '67%'));
    await page.locator('.squiggly-warning').first().waitFor();
    await findLine(page, '67%');
    await page.locator('.lightBulbWidget').first().waitFor();
    await page.keyboard.press('ControlOrMeta+.');
    await page.locator('.action-widget').first().waitFor();
    await screenshot(page, 'quick-fix');
    await page.locator('.action-widget .monaco-list-row.action', { hasText: 'Write 66%' }).click();
    await page.locator('.tab.active.dirty').waitFor();
    await page.keyboard.press('ControlOrMeta+S');
    await page.locator('.tab.active:not(.dirty)').waitFor();
    assert.match(onDisk(), /` 66%/);
  });

  it('what two windows change in one place is a conflict, and what is chosen is done', async () => {
    const [a, b] = await Promise.all([window(), window()]);
    // B types that 2-01 is done, and has not saved it; A saves that it has failed.
    for (const [page, box] of [
      [b, 'x'],
      [a, '!'],
    ] as const) {
      await findLine(page, '[ ] **2-01');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Delete');
      await page.keyboard.type(box);
      await page.locator('.tab.active.dirty').waitFor();
    }
    await a.keyboard.press('ControlOrMeta+S');
    await a.locator('.tab.active:not(.dirty)').waitFor();
    await b.keyboard.press('ControlOrMeta+Home');
    await lens(b, 'Resolve Conflict').waitFor();
    assert.match(onDisk(), /\[!\] \*\*2-01/);
    await screenshot(b, 'conflict-lens');

    // A save changes nothing, and offers the way out.
    await b.keyboard.press('ControlOrMeta+S');
    await b.locator('.notification-toast', { hasText: 'both versions are kept' }).waitFor();
    await b.locator('.monaco-editor .view-line', { hasText: '[x] **2-01' }).first().waitFor();
    await b.locator('.tab.active.dirty').waitFor();
    await screenshot(b, 'conflict-save');
    assert.match(onDisk(), /\[!\] \*\*2-01/);
    await lens(b, 'Resolve Conflict').click();
    await quickPickRow(b, 'Keep mine').waitFor();
    await screenshot(b, 'conflict-choices');
    await quickPickRow(b, 'Merge…').click();
    await b.locator('.tab.active', { hasText: 'Merging: STATE.md' }).waitFor();
    await b.locator('.merge-editor, .monaco-editor').first().waitFor();
    await screenshot(b, 'conflict-merge');
    assert.match(onDisk(), /\[!\] \*\*2-01/);
  });

  it('the walkthrough has four steps with their pictures', async () => {
    const page = await window();
    await runCommand(page, 'Welcome: Open Walkthrough...');
    await quickPickRow(page, 'Work in waves with Wavelock').click();
    const steps = page.locator('.getting-started-step');
    await steps.nth(3).waitFor();
    assert.equal(await steps.count(), 4);
    await page
      .locator('.getting-started-media iframe, .getting-started-media webview')
      .first()
      .waitFor({ state: 'attached' });
    await webviewFrame(page, 'svg');
    await screenshot(page, 'walkthrough');
  });
});
