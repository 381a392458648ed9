/** The pictures of the README, made from the real thing. `npm run pictures` puts them into docs/pictures. */
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { required, startEditor, type RunningEditor } from '../editor/server';
import {
  launchBrowser,
  openContainer,
  openFile,
  openWindow,
  runCommand,
  screenshot,
  statusBarItem,
  webviewFrame,
} from '../editor/window';

describe('pictures', () => {
  let editor: RunningEditor;
  let browser: Browser;
  let scratch: string;

  before(async () => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-pictures-')));
    [editor, browser] = await Promise.all([
      startEditor({ vsix: required('WAVELOCK_VSIX') }),
      launchBrowser(),
    ]);
  });
  after(async () => {
    await browser.close();
    await editor.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  });

  it('wavelock: tree, file, panel and status bar of a workflow in wave 2', async () => {
    const folder = join(scratch, 'ledger');
    cpSync('test/fixtures/sample', folder, { recursive: true });
    const file = join(folder, 'STATE.md');
    const page = await openWindow(browser, editor, { folder });
    await openContainer(page, 'Wavelock');
    const status = statusBarItem(page, 'wavelock.wavelock.status');
    await status.filter({ hasText: 'Wave 1/3' }).waitFor();
    await runCommand(page, 'Wavelock: Advance Wave');
    await status.filter({ hasText: 'Wave 2/3' }).waitFor();
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replace('- [ ] **2-01**', '- [x] **2-01**')
        .replace('- [ ] **2-02**', '- [~] **2-02**'),
    );
    await openFile(page, 'STATE.md');
    await runCommand(page, 'Wavelock: Open Run-State Panel');
    const panel = await webviewFrame(page, 'wl-panel');
    await panel.getByText('In progress').first().waitFor();
    await panel.evaluate(async () => {
      await document.fonts.load('16px codicon');
      await document.fonts.ready;
    });
    await page.mouse.move(700, 880);
    await screenshot(page, 'wavelock');
  });
});
