/** Pictures of a workflow file in the editor, in every kind of theme, for people to look at. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  openFile,
  openWindow,
  runCommand,
  screenshot,
  statusBarItem,
  themes,
  quickPickRow,
  useTheme,
  webviewFrame,
} from '../editor/window';
import { useInstalled } from './installed';

describe('pictures of the editor', () => {
  const here = useInstalled();

  for (const theme of themes) {
    const name = theme.toLowerCase().replaceAll(' ', '-');
    it(`${theme}: problems, lenses, a hover, the outline; the walkthrough`, async () => {
      const file = join(here.folder, 'STATE.md');
      const page = await openWindow(here.browser, here.editor, { folder: here.folder });
      await useTheme(page, here.editor, theme);
      const status = statusBarItem(page, 'wavelock.wavelock.status');
      await status.filter({ hasText: 'Wave 1/3' }).waitFor();
      await runCommand(page, 'Wavelock: Advance Wave');
      await status.filter({ hasText: 'Wave 2/3' }).waitFor();
      writeFileSync(
        file,
        readFileSync(file, 'utf8')
          .replace('- [ ] **2-01**', '- [x] **2-01**')
          .replace('(7 tasks)', '(9 tasks)')
          .replace('Depends: 2-01, 2-02', 'Depends: 2-01, 2-20'),
      );
      await openFile(page, 'STATE.md');
      await page.locator('.squiggly-error').first().waitFor();
      await page.locator('.codelens-decoration a', { hasText: 'Invalid' }).first().waitFor();
      await page
        .locator('.view-line', { hasText: '2-02' })
        .first()
        .hover({ position: { x: 60, y: 8 } });
      await page.locator('.monaco-hover', { hasText: 'Reverse and correct' }).first().waitFor();
      await screenshot(page, `editor-${name}`);
      await runCommand(page, 'Welcome: Open Walkthrough...');
      await quickPickRow(page, 'Work in waves with Wavelock').click();
      await page.locator('.getting-started-step').nth(3).waitFor();
      await webviewFrame(page, 'svg');
      await screenshot(page, `walkthrough-${name}`);
    });
  }
});
