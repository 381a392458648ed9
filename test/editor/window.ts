// What a user does in a VS Code window and what is seen there. A window is a page in a browser context of its
// own: two windows on one folder are two extension hosts.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';
import { windowAddress, type WindowContent } from '../../scripts/editorServer.mjs';
import { patience } from '../patience';
import { required, type RunningEditor } from './server';

/** Names in VS Code 1.139, by what pictures call them. */
export const themes = {
  dark: 'Dark 2026',
  light: 'Light 2026',
  hc: 'Default High Contrast',
  'hc-light': 'Default High Contrast Light',
} as const;
export type Theme = keyof typeof themes;

/** A browser that stays quiet and off the network. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: required('WAVELOCK_CHROMIUM'),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    // Playwright's own handlers exit before the server could be stopped.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

/** Opens a window and waits until VS Code is there. `page.context().close()` closes it. */
export async function openWindow(
  browser: Browser,
  editor: RunningEditor,
  content: WindowContent,
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await page.goto(
    windowAddress(editor.port, {
      ...content,
      payload: [['skipWelcome', 'true'], ...(content.payload ?? [])],
    }),
  );
  await workbench(page);
  return page;
}

/** Runs a command through the palette by its full title, e.g. `Wavelock: Advance Wave`. */
export async function runCommand(page: Page, title: string): Promise<void> {
  await page.keyboard.press('F1');
  // A text that comes before the palette has its list is never looked up.
  await quickPickRow(page, '').waitFor();
  await quickInput(page).fill(`>${title}`);
  await quickPickRow(page, title).click();
}

/** The input of the palette, of quick open and of an input box. */
export function quickInput(page: Page): Locator {
  return page.locator('.quick-input-widget:visible input[type=text]').first();
}

/** A row of the quick pick that is open, by a text that it holds. */
export function quickPickRow(page: Page, text: string): Locator {
  return page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
}

/** Opens a file through quick open. */
export async function openFile(page: Page, name: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+P');
  await quickInput(page).fill(name);
  await quickPickRow(page, name).click();
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
}

/** The icon of a view container. Its badge covers the middle of the link, so clicks go to the list item. */
export function containerIcon(page: Page, title: string): Locator {
  return page.locator(`.activitybar li.action-item:has(> a[aria-label^="${title}"])`);
}

export async function openContainer(page: Page, title: string): Promise<void> {
  const icon = containerIcon(page, title);
  await icon.waitFor();
  // A click on the container that is open would close it.
  if (!(await icon.evaluate((it) => it.classList.contains('checked')))) await icon.click();
}

/** The tree view with this title, or every visible one: a line per row, checkbox first. */
export async function treeAsText(page: Page, view?: string): Promise<string> {
  const root =
    view === undefined
      ? page.locator('.sidebar')
      : page.locator('.sidebar .pane', {
          has: page.locator(`.pane-header[aria-label^="${view}"]`),
        });
  const rows = root.locator('.tree-explorer-viewlet-tree-view .monaco-list-row');
  const lines = await rows.evaluateAll((elements) =>
    elements.map((row) => {
      const box = row.querySelector('[role=checkbox]')?.getAttribute('aria-checked');
      const mark = box === undefined || box === null ? '' : box === 'true' ? '[x] ' : '[ ] ';
      return (
        '  '.repeat(Number(row.getAttribute('aria-level') ?? 1) - 1) +
        mark +
        (row.getAttribute('aria-label') ?? '').trim()
      );
    }),
  );
  return lines.join('\n');
}

/** A tree row by a text that it holds. */
export function treeRow(page: Page, text: string): Locator {
  return page
    .locator('.tree-explorer-viewlet-tree-view .monaco-list-row', { hasText: text })
    .first();
}

/** A status bar item: `wavelock.wavelock.ITEM`, or VS Code's own ids. */
export function statusBarItem(page: Page, id: string): Locator {
  return page.locator(`.statusbar-item[id="${id}"]`);
}

export interface Wanted {
  readonly selector: string;
  readonly text?: string;
}

/**
 * When the page had all of these, in a frame of its own: a locator looks every half second after its first few
 * looks, which is too coarse for a measured time.
 */
export async function shownAt(page: Page, ...wanted: readonly Wanted[]): Promise<number> {
  const at = await page.waitForFunction(
    (all) =>
      all.every(({ selector, text = '' }) =>
        [...document.querySelectorAll(selector)].some((it) => it.textContent.includes(text)),
      ) && Date.now(),
    wanted,
    { polling: 'raf' },
  );
  return Number(await at.jsonValue());
}

/** What a status bar item says, once it is there. */
export async function statusBarText(page: Page, id: string): Promise<string> {
  return (await statusBarItem(page, id).innerText()).trim();
}

/** The inner frame of the webview whose document contains `selector`; names and addresses of frames tell nothing. */
export function webviewFrame(page: Page, selector: string, timeout = 20_000): Promise<Frame> {
  return new Promise((found, failed) => {
    const look = (frame: Frame): void => {
      if (frame === page.mainFrame()) return;
      // A frame that is gone before it shows the selector was another webview's, or an earlier one's.
      frame.waitForSelector(selector, { state: 'attached', timeout }).then(
        () => {
          end(() => {
            found(frame);
          });
        },
        () => undefined,
      );
    };
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      page.off('framenavigated', look);
      settle();
    };
    const timer = setTimeout(() => {
      const frames = page.frames().map((frame) => `${frame.name()} ${frame.url()}`);
      end(() => {
        failed(
          new Error(
            `No webview shows ${selector} within ${timeout} ms. Frames:\n${frames.join('\n')}`,
          ),
        );
      });
    }, timeout);
    page.on('framenavigated', look);
    page.frames().forEach(look);
  });
}

/** An orderly reload: page.reload() right after a change can lose the editor layout, and with it our panel. */
export async function reloadWindow(page: Page): Promise<void> {
  const loaded = page.waitForEvent('load');
  await runCommand(page, 'Developer: Reload Window');
  await loaded;
  await workbench(page);
}

/** Changes user settings. The windows see them after a reload: this server does not watch its settings file. */
export async function changeSettings(
  editor: RunningEditor,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const settings = JSON.parse(await readFile(editor.settingsFile, 'utf8')) as Record<
    string,
    unknown
  >;
  await writeFile(editor.settingsFile, JSON.stringify({ ...settings, ...changes }, null, 2));
}

export async function useTheme(page: Page, editor: RunningEditor, theme: Theme): Promise<void> {
  await changeSettings(editor, { 'workbench.colorTheme': themes[theme] });
  await reloadWindow(page);
}

/** Writes a picture for people to look at; returns its path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const path = picturePath(name);
  await page.screenshot({ path });
  return path;
}

export function picturePath(name: string): string {
  return join(process.env['WAVELOCK_PICTURES'] ?? '.vscode-test/pictures', `${name}.png`);
}

async function workbench(page: Page): Promise<void> {
  await page.locator('.monaco-workbench .part.statusbar .statusbar-item').first().waitFor();
}
