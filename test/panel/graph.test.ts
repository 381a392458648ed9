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

  it('draws 100 transitions a second among 10,000 runs, while it is moved, in 50 frames a second', async () => {
    const page = await studio.open();
    const seen = await page.evaluate(async () => {
      const { data, someGraph, graph, drawn } = window.drawings;
      const started = performance.now();
      let runs = data.manyRuns(someGraph({ runs: 10_000, edges: 15_000, waves: 10 }));
      const made = performance.now();
      const element = graph({ runs, current: 2, selected: 'run_4000' });
      await element.updateComplete;
      const first = performance.now() - made;
      await drawn();
      const canvas = element.querySelector('canvas');
      /** Two transitions a frame of 50 in a second; the graph is panned by the wheel in each. */
      const measure = (
        zoomOut: number,
      ): Promise<{ median: number; slow: number; frames: number }> => {
        for (let notch = 0; notch < zoomOut; notch += 1)
          canvas?.dispatchEvent(
            new WheelEvent('wheel', { deltaY: 60, ctrlKey: true, cancelable: true }),
          );
        return new Promise((done) => {
          const gaps: number[] = [];
          const drawnBefore = element.frames;
          let last = performance.now();
          const begun = last;
          let made = 0;
          const frame = () => {
            const now = performance.now();
            gaps.push(now - last);
            last = now;
            const due = Math.floor((now - begun) / 10);
            const next = [...runs];
            for (; made < due; made += 1) {
              const index = (made * 7919) % next.length;
              const run = next[index];
              if (run)
                next[index] = {
                  ...run,
                  status: run.status === 'running' ? 'completed' : 'running',
                };
            }
            runs = next;
            element.runs = runs;
            const back = Math.floor((now - begun) / 500) % 2 === 0;
            canvas?.dispatchEvent(
              new WheelEvent('wheel', {
                deltaY: back ? 30 : -30,
                deltaX: back ? 5 : -5,
                cancelable: true,
              }),
            );
            if (now - begun < 2_000) requestAnimationFrame(frame);
            else {
              gaps.sort((one, other) => one - other);
              done({
                median: 1_000 / (gaps[Math.floor(gaps.length / 2)] ?? 0),
                slow: gaps[Math.floor(gaps.length * 0.95)] ?? 0,
                frames: element.frames - drawnBefore,
              });
            }
          };
          requestAnimationFrame(frame);
        });
      };
      const near = await measure(0);
      const far = await measure(12);
      return {
        made: made - started,
        first,
        near,
        far,
        zoom: element.view.camera?.zoom,
        nodes: element.querySelectorAll('*').length,
      };
    });
    const said = ({ median, slow }: { median: number; slow: number }) =>
      `${median.toFixed(0)} frames/s median, 95% within ${slow.toFixed(0)} ms`;
    console.log(
      `      first update ${seen.first.toFixed(0)} ms; near: ${said(seen.near)}; far (${seen.zoom}): ${said(seen.far)}; ${seen.nodes} elements`,
    );
    await studio.picture('graph-10000-far-dark');
    assert.ok(seen.near.median >= 50);
    assert.ok(seen.nodes < 400);
  });
});
