/** The run graph in Chromium: what is seen, what is said, and how fast. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { themes, useStudio } from './drawings';

describe('run graph', () => {
  const studio = useStudio();

  async function showLedger(page: Page, selected: string | null = null): Promise<void> {
    await page.evaluate(async (run) => {
      const { data, graph, drawn } = window.drawings;
      graph({ runs: data.ledger, waves: data.ledgerWaves, current: 2, selected: run });
      await drawn();
    }, selected);
  }

  describe('shows the same to everybody', () => {
    for (const theme of themes)
      it(`in ${theme}`, async () => {
        const page = await studio.open(theme);
        await showLedger(page, 'run-2-05');
        await studio.picture(`graph-${theme}`);
        assert.deepEqual(await studio.axe(), []);
        await page.evaluate(() => window.drawings.graph({ runs: [] }));
        await studio.picture(`graph-empty-${theme}`);
        assert.deepEqual(await studio.axe(), []);
      });
  });
});
