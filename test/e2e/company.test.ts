/** A person who looks on, in the run-state panel, while two agents work a workflow off. */
import { openWindow, runCommand, screenshot, statusBarItem, webviewFrame } from '../editor/window';
import { workedOffByTwo } from '../cli/twoAgents';
import { openBeside, useInstalled } from './installed';

describe('two agents, and somebody at the panel', () => {
  const here = useInstalled();

  it('each wave is seen in the panel when the agents are through with it, and the end as well', async () => {
    const page = await openWindow(here.browser, here.editor, { folder: here.folder });
    const status = statusBarItem(page, 'wavelock.wavelock.status');
    await status.filter({ hasText: 'Wave 1/3' }).waitFor();
    await runCommand(page, 'Wavelock: Open Run-State Panel');
    const panel = await webviewFrame(page, 'wl-panel');
    await panel.getByText('Wave 1/3').first().waitFor();
    const store = await openBeside(here.folder, 'onlooker');
    try {
      await workedOffByTwo({
        folder: here.folder,
        store,
        waveIsOver: async (wave) => {
          await panel.getByText(`Wave ${wave}/3`).first().waitFor();
          await panel
            .getByText(wave === '2' ? '4/4' : '3/3')
            .first()
            .waitFor();
        },
      });
      await status.filter({ hasText: /completed/i }).waitFor();
      await panel
        .getByText(/completed/i)
        .first()
        .waitFor();
      await screenshot(page, 'company-panel');
    } finally {
      await store.close();
    }
  });
});
