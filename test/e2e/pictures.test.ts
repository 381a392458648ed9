/** The pictures of the README, made from the real thing. `npm run pictures` puts them into docs/pictures. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  openContainer,
  openFile,
  openWindow,
  runCommand,
  screenshot,
  statusBarItem,
  webviewFrame,
} from '../editor/window';
import { useInstalled } from './installed';

describe('pictures', () => {
  const here = useInstalled();

  it('wavelock: tree, file, panel and status bar of a workflow in wave 2', async () => {
    const file = join(here.folder, 'STATE.md');
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
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
