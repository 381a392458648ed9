/** The timeline in Chromium: what is seen, what is said, and that it rests when nothing runs. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { themes, useStudio } from './drawings';

describe('timeline', () => {
  const studio = useStudio();

  const showLedger = (page: Page, selected: string | null = null): Promise<void> =>
    page.evaluate(async (run) => {
      const { data, timeline, drawn } = window.drawings;
      timeline({ clock: () => data.now, runs: data.ledgerTimes, selected: run });
      await drawn();
    }, selected);

  describe('shows the same to everybody', () => {
    for (const theme of themes)
      it(`in ${theme}`, async () => {
        const page = await studio.open(theme);
        await showLedger(page, 'run-2-05');
        await studio.picture(`timeline-${theme}`);
        assert.deepEqual(await studio.axe(), []);
        await page.evaluate(() => window.drawings.timeline({ runs: [] }));
        await studio.picture(`timeline-empty-${theme}`);
        assert.deepEqual(await studio.axe(), []);
      });
  });
});
