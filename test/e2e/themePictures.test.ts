/** Pictures of the editor's surfaces in every kind of theme, for people to look at. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Command, WaiterId } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import {
  openContainer,
  openFile,
  openWindow,
  runCommand,
  screenshot,
  statusBarItem,
  themes,
  treeAsText,
  treeRow,
  quickPickRow,
  useTheme,
  webviewFrame,
  type Theme,
} from '../editor/window';
import { openBeside, useInstalled } from './installed';

describe('pictures in every theme', () => {
  const here = useInstalled();
  const stateFile = (): string => join(here.folder, 'STATE.md');

  async function windowInWave2(theme: Theme): Promise<Page> {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await useTheme(page, here.editor, theme);
    const status = statusBarItem(page, 'wavelock.wavelock.status');
    await status.filter({ hasText: 'Wave 1/3' }).waitFor();
    await runCommand(page, 'Wavelock: Advance Wave');
    await status.filter({ hasText: 'Wave 2/3' }).waitFor();
    return page;
  }

  for (const theme of Object.keys(themes) as Theme[]) {
    it(`${theme}: problems, lenses, a hover; the walkthrough`, async () => {
      const page = await windowInWave2(theme);
      writeFileSync(
        stateFile(),
        readFileSync(stateFile(), 'utf8')
          .replace('- [ ] **2-01**', '- [x] **2-01**')
          .replace('(7 tasks)', '(9 tasks)')
          .replace('Depends: 2-01\n', 'Depends: 2-20\n'),
      );
      await openFile(page, 'STATE.md');
      await page.locator('.squiggly-error').first().waitFor();
      await page.locator('.codelens-decoration a', { hasText: 'Invalid' }).first().waitFor();
      // By the keyboard: lenses that come meanwhile move the lines away from under a mouse.
      await page.locator('.view-line', { hasText: '**2-01**' }).first().click();
      await runCommand(page, 'Show or Focus Hover');
      await page.locator('.monaco-hover', { hasText: 'Post journal entries' }).first().waitFor();
      await screenshot(page, `editor-${theme}`);
      await runCommand(page, 'Welcome: Open Walkthrough...');
      await quickPickRow(page, 'Work in waves with Wavelock').click();
      await page.locator('.getting-started-step').nth(3).waitFor();
      await webviewFrame(page, 'svg');
      await screenshot(page, `walkthrough-${theme}`);
    });

    it(`${theme}: workflows, locks and agents, a file that another holds, the status bar`, async () => {
      writeFileSync(join(here.folder, 'money.ts'), 'export const cents = 100;\n');
      writeFileSync(join(here.folder, 'posting.ts'), 'export {};\n');
      const page = await windowInWave2(theme);
      const [claude, codex] = await Promise.all([
        openBeside(here.folder, 'claude-1', { resident: true }),
        openBeside(here.folder, 'codex-2', { resident: true }),
      ]);
      try {
        await twoAtWork(claude, codex);
        await openFile(page, 'posting.ts');
        await runCommand(page, 'Wavelock: Acquire Lock on This File');
        await openFile(page, 'money.ts');
        await page.locator('.tab.active .monaco-icon-label[aria-label*="Read-only"]').waitFor();
        await openContainer(page, 'Wavelock');
        await treeRow(page, '2-03').and(page.locator('[aria-expanded=false]')).waitFor();
        await treeRow(page, '2-03').locator('.monaco-tl-twistie').click();
        await treeRow(page, 'Attempt 1').waitFor();
        await treeRow(page, 'posting.ts').waitFor();
        await statusBarItem(page, 'wavelock.wavelock.status')
          .filter({ hasText: 'held by claude-1' })
          .waitFor();
        assert.match(await treeAsText(page, 'Locks'), /money\.ts[\s\S]*codex-2/);
        await page.mouse.move(900, 600);
        await screenshot(page, `views-${theme}`);
      } finally {
        await Promise.all([claude.close(), codex.close()]);
      }
    });
  }
});

/** One works and holds a file that the other waits for; the other has failed once. */
async function twoAtWork(claude: Store, codex: Store): Promise<void> {
  const done = async <C extends Command>(store: Store, command: C) => {
    const answer = await store.submit(command);
    assert.ok(answer.ok, answer.ok ? '' : answer.refusal.message);
    return answer.facts;
  };
  const runs = (await claude.read('state', {})).runs;
  const runOf = (task: string) => {
    const run = runs.find((each) => each.task === task);
    assert.ok(run);
    return run.id;
  };
  await done(claude, { kind: 'run.claim', run: runOf('2-01') });
  const { token } = await done(codex, { kind: 'run.claim', run: runOf('2-03') });
  const error = { message: 'MT940: line 86 is longer than 65 characters' };
  await done(codex, { kind: 'run.fail', run: runOf('2-03'), token, error });
  const wishes = [{ resource: 'money.ts', mode: 'write' as const }];
  await done(claude, {
    kind: 'lock.acquire',
    wishes,
    worktree: '',
    reason: 'rounding moves to one place',
  });
  const waiter = 'wtr_0123456789' as WaiterId;
  const refused = await codex.submit({ kind: 'lock.acquire', wishes, worktree: '', waiter });
  assert.equal(refused.ok, false);
}
