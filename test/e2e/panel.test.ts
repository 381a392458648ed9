/** The panel of the installed VSIX: by keys alone, over a reload, and how soon it shows what the command line did. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import * as z from 'zod/mini';
import {
  openFile,
  openWindow,
  reloadWindow,
  runCommand,
  statusBarItem,
  webviewFrame,
} from '../editor/window';
import { patience } from '../patience';
import { useInstalled } from './installed';

const mostKilobytes = 300;
/** Three transitions each. */
const runsTimed = 7;
const granted = z.object({ ok: z.literal(true) });
const oneRun = z.object({ runs: z.tuple([z.object({ id: z.string() })]) });
const claim = z.object({ token: z.string() });
const statusItem = 'wavelock.wavelock.status';

interface Shown {
  readonly page: Page;
  readonly panel: Frame;
}

describe('the panel', () => {
  const here = useInstalled();

  async function opened(): Promise<Shown> {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    await statusBarItem(page, statusItem).filter({ hasText: 'Wave 1/3' }).waitFor();
    return { page, panel: await openPanel(page) };
  }

  async function openPanel(page: Page): Promise<Frame> {
    await runCommand(page, 'Wavelock: Open Run-State Panel');
    const panel = await webviewFrame(page, 'wl-panel', patience);
    await panel.getByText('Wave 1/3').first().waitFor();
    await focused(panel);
    return panel;
  }

  /** Keys go to the panel as soon as the editor has given it the focus. */
  async function focused(panel: Frame): Promise<void> {
    await panel.waitForFunction(() => document.hasFocus(), undefined, { timeout: patience });
  }

  /** What the command line answers, and when its answer was there. */
  async function wavelock(
    ...args: string[]
  ): Promise<{ readonly document: unknown; readonly at: number }> {
    const child = spawn(process.execPath, [resolve('dist/cli.js'), ...args, '--json'], {
      cwd: here.folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], WAVELOCK_AGENT: 'tester' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let at = 0;
    for await (const chunk of child.stdout) {
      at = Date.now();
      text += String(chunk);
    }
    const document: unknown = JSON.parse(text);
    assert.ok(granted.safeParse(document).success, text);
    return { document, at };
  }

  it('is gone through by keys alone: every tab, the regions, and the dialog of the keys', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    for (const [key, tab] of [
      ['2', 'graph'],
      ['3', 'timeline'],
      ['4', 'locks'],
      ['5', 'events'],
      ['1', 'board'],
    ] as const) {
      await keyboard.press(key);
      await selectedTab(panel, tab).waitFor();
    }
    await panel.locator('wl-board [data-key]:focus').waitFor();
    for (const region of ['.head', '.tabrow', '.chips', '#view']) {
      await keyboard.press('F6');
      await panel.locator(`${region} :focus`).waitFor();
    }
    await keyboard.press('?');
    await panel.locator('dialog[open]').waitFor();
    await keyboard.press('Escape');
    await panel.locator('dialog[open]').waitFor({ state: 'detached' });
    await panel.locator('wl-board [data-key]:focus').waitFor();
  });

  it('advances, queues, cancels, retries, stops, kills, ticks and opens by keys alone', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    await toFirstOfWave2(page, panel);
    await keyboard.press('Enter');
    const drawer = panel.locator('.drawer');
    await drawer.locator('h2:focus', { hasText: '2-01' }).waitFor();

    await act(page, panel, 'queue');
    await drawer.locator('.state', { hasText: 'Queued' }).waitFor();
    // Advancing makes runs for the other tasks of the wave, and none beside this one.
    await keyboard.press('a');
    await panel.getByText('Wave 2/3').first().waitFor();
    const run = await drawer.locator('.dmeta .mono').innerText();
    await keyboard.press('c');
    await said(panel, 'Copied').waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), run);
    await act(page, panel, 'cancel');
    await drawer.locator('.state', { hasText: 'Cancelled' }).waitFor();
    await act(page, panel, 'retry');
    await drawer.locator('.state', { hasText: 'Queued' }).waitFor();

    const again = await drawer.locator('.dmeta .mono').innerText();
    await wavelock('run', 'claim', '--run', again);
    await drawer.locator('.state', { hasText: 'Running' }).waitFor();
    await act(page, panel, 'cancel');
    await drawer.getByText('Asked to stop').first().waitFor();
    await act(page, panel, 'kill');
    await panel.locator('.ask input:focus').waitFor();
    await keyboard.type('the demo is over');
    await keyboard.press('Enter');
    await drawer.getByText('Told to stop at once').first().waitFor();

    // The boxes of the file are for tasks that nobody works on.
    await keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
    await keyboard.press('End');
    const last = panel.locator('wl-board [data-key]:focus');
    const key = (await last.getAttribute('data-key')) ?? '';
    assert.notEqual(key, '2-01');
    await act(page, panel, 'task-done');
    await panel.locator('.drawer [data-act="task-todo"]').waitFor();
    assert.match(
      readFileSync(join(here.folder, 'STATE.md'), 'utf8'),
      new RegExp(`- \\[x\\] \\*\\*${key}\\*\\*`),
    );
    await keyboard.press('o');
    await page.locator('.tab.active[data-resource-name="STATE.md"]').waitFor();
  });

  it('takes back what it has changed by keys alone', async () => {
    const file = join(here.folder, 'STATE.md');
    const before = readFileSync(file, 'utf8');
    const { page, panel } = await opened();
    await page.keyboard.press('a');
    await panel.getByText('Wave 2/3').first().waitFor();
    await page.keyboard.press('Control+z');
    await panel.getByText('Wave 1/3').first().waitFor();
    await said(panel, 'Taken back: it is in wave 1 again').waitFor({ state: 'attached' });
    const untimed = (text: string): string => text.replace(/^\*\*Updated:.*$/m, '');
    assert.equal(untimed(readFileSync(file, 'utf8')), untimed(before));
  });

  it('searches, filters and exports by keys alone', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    const card = (key: string): Locator => panel.locator(`[data-key="${key}"]`).first();
    await card('2-03').waitFor();
    await keyboard.press('/');
    await panel.locator('[data-search]:focus').waitFor();
    await keyboard.type('Reverse');
    await panel.locator('[data-key="2-03"]').waitFor({ state: 'detached' });
    await card('2-02').waitFor();

    await keyboard.press('Escape');
    await card('2-03').waitFor();
    await keyboard.press('Escape');
    await keyboard.press('f');
    await panel.locator('.chips button:focus').waitFor();
    await keyboard.press('Enter');
    await panel.locator('.chips [aria-pressed="false"]:focus').waitFor();
    await keyboard.press('F');
    await panel.locator('.chips [aria-pressed="false"]').waitFor({ state: 'detached' });

    await keyboard.press('e');
    await panel.locator('[data-export="json"]:focus').waitFor();
    await keyboard.press('ArrowDown');
    await panel.locator('[data-export="csv"]:focus').waitFor();
    await keyboard.press('Enter');
    await page.locator('.monaco-editor .view-line', { hasText: 'wave,task' }).first().waitFor();
  });

  it('releases a lock of this window and breaks that of another by keys alone', async () => {
    for (const name of ['money.ts', 'journal.ts'])
      writeFileSync(join(here.folder, name), 'export const cents = 100;\n');
    const { page, panel } = await opened();
    const { keyboard } = page;
    await wavelock('lock', 'acquire', 'journal.ts', '--ttl', '2h');
    await keyboard.press('4');
    await panel.locator('.lrow', { hasText: 'journal.ts' }).waitFor();
    await keyboard.press('4');
    await panel.locator('.lrow:focus', { hasText: 'journal.ts' }).waitFor();
    await keyboard.press('Enter');
    await panel.locator('.ask input:focus').waitFor();
    await keyboard.type('its holder went home');
    await keyboard.press('Enter');
    await panel.getByText('Nothing is locked').waitFor();
    await keyboard.press('5');
    await panel
      .locator('.erow', { hasText: 'lock.broken' })
      .filter({ hasText: 'its holder went home' })
      .waitFor();

    await openFile(page, 'money.ts');
    await runCommand(page, 'Wavelock: Acquire Lock on This File');
    // Behind another file it was put away, and is made anew.
    const again = await openPanel(page);
    await keyboard.press('4');
    await again.locator('.lrow', { hasText: 'money.ts' }).waitFor();
    await keyboard.press('4');
    await again.locator('.lrow:focus', { hasText: 'money.ts' }).waitFor();
    await keyboard.press('Enter');
    await again.getByText('Nothing is locked').waitFor();
  });

  it('marks a task, narrows waves and agents, and moves to the side by keys alone', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    await toFirstOfWave2(page, panel);
    for (const [status, written] of [
      ['doing', /- \[~\] \*\*2-01/],
      ['failed', /Failed \(1 tasks\)/],
      ['todo', /Pending \(7 tasks\)/],
    ] as const) {
      await act(page, panel, `task-${status}`);
      await panel.locator(`.drawer [data-act="task-${status}"]`).waitFor({ state: 'detached' });
      assert.match(readFileSync(join(here.folder, 'STATE.md'), 'utf8'), written);
    }

    const created = await wavelock('run', 'create', '--task', '2-02');
    const [{ id }] = oneRun.parse(created.document).runs;
    await wavelock('run', 'claim', '--run', id);
    await panel.locator('.chips button', { hasText: 'Running' }).waitFor();
    for (const name of ['Waves', 'Agents']) {
      const menu = panel.locator('wl-menu .drop', { hasText: name });
      const before = await menu.innerText();
      await toRegion(page, panel, '.tabrow');
      await tabTo(page, menu);
      await keyboard.press('Enter');
      await panel.locator('wl-menu .menu input:focus').waitFor();
      await keyboard.press('Space');
      await panel.waitForFunction(
        ([label, was]) =>
          [...document.querySelectorAll<HTMLElement>('wl-menu .drop')].some(
            ({ innerText }) => innerText.startsWith(label) && innerText !== was,
          ),
        [name, before] as const,
        { timeout: patience },
      );
      await keyboard.press('Escape');
      await panel.locator('wl-menu .menu').waitFor({ state: 'detached' });
    }

    await openFile(page, 'STATE.md');
    const again = await openPanel(page);
    await toRegion(page, again, '.head');
    await tabTo(page, again.locator('.head .aside'));
    await keyboard.press('Enter');
    await page.locator('.editor-group-container').nth(1).waitFor();
  });

  it('a store that is gone is told, its log shown, and it is tried again by keys alone', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    await toFirstOfWave2(page, panel);
    const store = join(here.folder, '.wavelock');
    await keyboard.press('.');
    const change = panel.locator('.drawer [data-act="task-doing"]');
    await change.waitFor();
    renameSync(store, `${store}.away`);
    const banner = panel.locator('.banner', { hasText: 'The store failed.' });
    await banner.waitFor();
    await change.waitFor({ state: 'detached' });
    await toRegion(page, panel, '.head');
    await tabTo(page, banner.getByRole('button', { name: 'Show log' }));
    await keyboard.press('Enter');
    await page.locator('.part.panel .monaco-editor.focused').waitFor();
    assert.equal(existsSync(join(store, 'store.db')), false, 'nobody begins anew unasked');

    const again = await openPanel(page);
    await toRegion(page, again, '.head');
    await tabTo(page, again.getByRole('button', { name: 'Try again' }));
    await keyboard.press('Enter');
    await again.locator('.head .live', { hasText: 'Following' }).waitFor();
    await again.locator('.banner').waitFor({ state: 'detached' });
    assert.ok(existsSync(join(store, 'store.db')));
  });

  it('is as it was left after the window was reloaded: tab, filter, search and what was chosen', async () => {
    const { page, panel } = await opened();
    const { keyboard } = page;
    await keyboard.press('/');
    await panel.locator('[data-search]:focus').waitFor();
    await keyboard.type('e');
    await keyboard.press('Tab');
    await keyboard.press('f');
    await panel.locator('.chips button:focus').waitFor();
    await keyboard.press('Enter');
    const hidden = panel.locator('.chips [aria-pressed="false"]:focus');
    await hidden.waitFor();
    const chip = (await hidden.getAttribute('data-chip')) ?? '';
    await keyboard.press('1');
    const card = panel.locator('wl-board [data-key]:focus');
    await card.waitFor();
    const key = (await card.getAttribute('data-key')) ?? '';
    await keyboard.press('Enter');
    await panel.locator('.drawer h2:focus').waitFor();
    await keyboard.press('2');
    await selectedTab(panel, 'graph').waitFor();
    await panel.locator('#view :focus').waitFor({ state: 'attached' });

    await reloadWindow(page);
    const again = await webviewFrame(page, 'wl-panel', patience);
    await selectedTab(again, 'graph').waitFor();
    await again.locator('.drawer h2', { hasText: key }).waitFor();
    await again.locator(`.chips [data-chip="${chip}"][aria-pressed="false"]`).waitFor();
    assert.equal(await again.locator('[data-search]').inputValue(), 'e');
  });

  it('shows what the command line did soon after its answer', async () => {
    const { page, panel } = await opened();
    await page.keyboard.press('5');
    await selectedTab(panel, 'events').waitFor();
    await panel.evaluate(() => {
      const seen: Record<string, number> = {};
      Object.assign(window, { seen });
      new MutationObserver(() => {
        for (const row of document.querySelectorAll('.erow')) {
          const [event] = /run\.(created|claimed|completed)/.exec(row.textContent) ?? [''];
          const [run] = /run_[a-z0-9]+/.exec(row.textContent) ?? [''];
          const key = `${event} ${run}`;
          if (key in seen) continue;
          seen[key] = Infinity;
          // It is on the screen with the next frame.
          requestAnimationFrame(() => (seen[key] = Date.now()));
        }
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const late: number[] = [];
    const shown = async (event: string, run: string, at: number): Promise<void> => {
      const seen = await panel.waitForFunction(
        (key) => {
          const { seen: all } = window as unknown as { seen: Record<string, number> };
          return Number.isFinite(all[key]) ? all[key] : undefined;
        },
        `run.${event} ${run}`,
        { timeout: patience },
      );
      late.push(((await seen.jsonValue()) ?? Infinity) - at);
    };
    for (let time = 0; time < runsTimed; time += 1) {
      const created = await wavelock('run', 'create', '--title', `Ping ${time}`);
      const [{ id }] = oneRun.parse(created.document).runs;
      await shown('created', id, created.at);
      const claimed = await wavelock('run', 'claim', '--run', id);
      await shown('claimed', id, claimed.at);
      const { token } = claim.parse(claimed.document);
      await shown('completed', id, (await wavelock('run', 'complete', id, '--token', token)).at);
    }
    late.sort((one, other) => one - other);
    const [median, p95] = [0.5, 0.95].map((share) => late[Math.ceil(share * late.length) - 1]);
    console.log(
      `      ${late.length} transitions: median ${median} ms, p95 ${p95} ms, longest ${late.at(-1)} ms after the answer`,
    );
    // The law is 200 ms on a machine that has nothing else to do; a slower one is told, not failed.
    if (process.env['WAVELOCK_CAMPAIGN'] === '1') assert.ok((p95 ?? Infinity) <= 200, `${p95} ms`);
  });

  it(`has a script smaller than ${mostKilobytes} KB`, () => {
    const { size } = statSync('dist/webview.js');
    console.log(`      ${size} bytes`);
    assert.ok(size < mostKilobytes * 1_000, `${size} bytes`);
  });
});

const selectedTab = (panel: Frame, tab: string): Locator =>
  panel.locator(`[data-tab="${tab}"][aria-selected="true"]`);

const said = (panel: Frame, text: string): Locator =>
  panel.locator('[data-said]', { hasText: text });

async function toFirstOfWave2({ keyboard }: Page, panel: Frame): Promise<void> {
  await keyboard.press('1');
  await panel.locator('[data-key^="1-"]:focus').waitFor();
  await keyboard.press('ArrowRight');
  await panel.locator('[data-key="2-01"]:focus').waitFor();
}

/** To an action of what is looked at, as a person gets there by keys. */
async function act(page: Page, panel: Frame, action: string): Promise<void> {
  await page.keyboard.press('.');
  await panel.locator('.drawer .acts button:focus').waitFor();
  await tabTo(page, panel.locator(`.drawer [data-act="${action}"]`));
  await page.keyboard.press('Enter');
}

async function tabTo(page: Page, button: Locator): Promise<void> {
  await button.waitFor();
  const has = (): Promise<boolean> => button.evaluate((it) => it === document.activeElement);
  for (let step = 0; !(await has()); step += 1) {
    assert.ok(step < 20, `${String(button)} is not reached by Tab`);
    await page.keyboard.press('Tab');
  }
}

async function toRegion(page: Page, panel: Frame, region: string): Promise<void> {
  const has = (): Promise<boolean> =>
    panel.evaluate((it) => document.activeElement?.closest(it) !== null, region);
  for (let step = 0; !(await has()); step += 1) {
    assert.ok(step < 8, `${region} is not reached by F6`);
    await page.keyboard.press('F6');
  }
}
