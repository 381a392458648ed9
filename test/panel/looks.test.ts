/** Every tab, in every state and theme, as people see it and as axe reads it. The pictures are for people to look at. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { tabs } from '../../webview/memory';
import { narrow, pictures, themes, usePanel } from './browser';
import { states, type StateName } from './states';

const tabStates: readonly StateName[] = ['normal', 'fresh', 'failed'];
const inEveryTheme: readonly StateName[] = [
  'ready',
  'empty',
  'failed',
  'invalid',
  'completed',
  'warned',
  'mixed',
];
const boardStates = (Object.keys(states) as StateName[]).filter((it) => it !== 'normal');

describe('panel looks', () => {
  const bench = usePanel();
  before(() => mkdir(pictures, { recursive: true }));

  async function looksWell(name: string): Promise<void> {
    await bench.picture(name);
    assert.deepEqual(await bench.violations(), []);
  }

  for (const tab of tabs) {
    for (const theme of themes) {
      for (const state of theme === 'dark' ? tabStates : tabStates.slice(0, 1)) {
        it(`${tab} of ${state} in ${theme}`, async () => {
          await bench.open(state, { theme, tab });
          await looksWell(`${tab}-${state}${theme === 'dark' ? '' : `-${theme}`}`);
        });
      }
    }

    it(`${tab} of 10,000 runs`, async () => {
      await bench.open('many', { tab });
      await looksWell(`${tab}-many`);
      const nodes = await bench.page.evaluate(() => document.querySelectorAll('*').length);
      assert.ok(nodes < 1_500, `${nodes} nodes`);
    });

    it(`${tab} in a side column`, async () => {
      await bench.page.setViewportSize(narrow);
      await bench.open('normal', { tab });
      await looksWell(`${tab}-narrow`);
      await fitsIn(narrow.width);
    });

    it(`${tab} in forced colours`, async () => {
      await bench.page.emulateMedia({ forcedColors: 'active' });
      await bench.open('normal', { tab });
      await bench.picture(`${tab}-forced`);
      // The colours are the system's, which axe does not see.
      const found = await bench.violations();
      assert.deepEqual(
        found.filter((it) => !it.startsWith('color-contrast')),
        [],
      );
    });

    it(`${tab} of hostile names`, async () => {
      await bench.open('hostile', { tab });
      await looksWell(`${tab}-hostile`);
      await fitsIn(1_400);
      assert.equal(await bench.page.evaluate(() => 'ran' in window), false);
      assert.equal(
        await bench.page.locator('main :is(img, script, svg, iframe, [onclick], [onload])').count(),
        0,
      );
    });
  }

  for (const state of boardStates) {
    for (const theme of inEveryTheme.includes(state) ? themes : (['dark'] as const)) {
      it(`${state} in ${theme}`, async () => {
        await bench.open(state, { theme });
        if (state === 'opening') await bench.page.locator('.loading').waitFor();
        await looksWell(`${state}-${theme}`);
      });
    }
  }

  for (const theme of themes) {
    it(`details of a stale run in ${theme}`, async () => {
      await bench.open('normal', { theme });
      await bench.page.locator('[data-key="2-05"]').click();
      await bench.page.getByText('Process 48213 is gone').waitFor();
      await looksWell(`details-${theme}`);
    });

    it(`the keys in ${theme}`, async () => {
      await bench.open('normal', { theme });
      await bench.page.keyboard.press('?');
      await bench.page.getByRole('dialog').waitFor();
      await looksWell(`keys-${theme}`);
    });
  }

  for (const state of ['invalid', 'several', 'completed', 'hostile', 'mixed'] as const) {
    it(`${state} in a side column`, async () => {
      await bench.page.setViewportSize(narrow);
      await bench.open(state);
      await looksWell(`${state}-narrow`);
      await fitsIn(narrow.width);
    });
  }

  it('the graph as a tree, and one that is chosen', async () => {
    await bench.open('normal', { tab: 'graph' });
    await bench.page.getByRole('button', { name: 'Show as tree' }).click();
    await bench.page.locator('[data-row="run 2-05"]').click();
    await bench.drawn();
    await looksWell('graph-tree-dark');
  });

  async function fitsIn(width: number): Promise<void> {
    const wide = await bench.page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, width);
  }
});
