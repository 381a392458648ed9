/** The timeline in Chromium: what is seen, what is said, and that it rests when nothing runs. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Timeline } from '../../webview/timeline/timeline';
import { themes, timed, useStudio } from './drawings';

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

  const focused = (page: Page) =>
    page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset['row'] ?? null);
  const events = (page: Page) => page.evaluate(() => window.drawings.events);
  const range = (page: Page) =>
    page.evaluate(() => {
      const { from, to } = document.querySelector<Timeline>('wl-timeline')?.range ?? {
        from: 0,
        to: 0,
      };
      return { from, to, span: to - from };
    });
  async function press(page: Page, ...keys: string[]): Promise<string | null> {
    for (const key of keys) {
      await page.keyboard.press(key);
      await page.evaluate(() => window.drawings.drawn());
    }
    return focused(page);
  }
  const text = async (page: Page, row: string) =>
    ((await page.locator(`[data-row="${row}"]`).textContent()) ?? '').replace(/\s+/g, ' ').trim();

  it('says each run in words: state and times', async () => {
    const page = await studio.open();
    await showLedger(page);
    assert.equal(
      await text(page, 'run run-2-05'),
      '2-05 Import bank statements (CAMT.053, MT940, CSV) with resumable batches 1/3 attempt 1 of 3 ' +
        'Running, stale, created 14:01:00, started 14:47:03, running for 15 minutes 8 seconds, ' +
        'last heartbeat 14:58:21 Running15m 08s, stale',
    );
    assert.match(await text(page, 'run run-2-06'), /Retry due, created 14:46:00, due 15:02:53/);
    assert.match(await text(page, 'run run-2-01'), /ended 14:28:02 after 24 minutes 2 seconds/);
    assert.equal(await text(page, 'agent is codex-main'), 'codex-main 2 2 runs');
  });

  it('links attempts, and hatches where the heartbeat stopped', async () => {
    const page = await studio.open();
    await showLedger(page);
    const marked = (mark: string) =>
      page
        .locator(`.wlt-row:has(.wlt-track > ${mark})`)
        .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['row']));
    assert.deepEqual(await marked('.wlt-elbow'), [
      'run run-2-04',
      'run run-2-07-2',
      'run run-2-07',
      'run run-2-06',
    ]);
    assert.deepEqual(await marked('.wlt-gap'), ['run run-2-08', 'run run-2-04-1', 'run run-2-05']);
    assert.deepEqual(await marked('.wlt-ghost'), ['run run-2-06']);
  });

  describe('keyboard', () => {
    it('walks the rows, folds groups, selects and opens', async () => {
      const page = await studio.open();
      await showLedger(page);
      await page.evaluate(() =>
        document.querySelector<Timeline>('wl-timeline')?.focusRun('run-2-02'),
      );
      assert.equal(await focused(page), 'run run-2-02');
      assert.equal(await press(page, 'ArrowUp'), 'agent is codex-main');
      await press(page, 'Enter');
      assert.equal(await page.locator('[data-row="run run-2-02"]').count(), 0);
      assert.equal(await press(page, 'Enter', 'ArrowDown'), 'run run-2-02');
      await press(page, 'Space', 'Enter', 'Escape');
      assert.deepEqual(await events(page), [
        'wl-select run-2-02',
        'wl-open run-2-02',
        'wl-select null',
      ]);
      assert.equal(await press(page, 'End'), 'run run-2-09');
      assert.equal(await press(page, 'Home'), 'agent is claude-term-1');
    });

    it('moves and zooms time', async () => {
      const page = await studio.open();
      await showLedger(page);
      await page.evaluate(() =>
        document.querySelector<Timeline>('wl-timeline')?.focusRun('run-2-02'),
      );
      const before = await range(page);
      await press(page, 'ArrowLeft');
      const moved = await range(page);
      assert.equal(Math.round((before.from - moved.from) / 1_000), 420);
      await press(page, '+');
      assert.ok((await range(page)).span < before.span);
      await press(page, '0');
      await studio.picture('timeline-all-dark');
      const all = await range(page);
      assert.ok(all.from < before.from + 60_000 && all.to > before.to - 600_000);
    });

    it('keeps its row when it changes, and goes to the next when it goes', async () => {
      const page = await studio.open();
      await showLedger(page);
      await page.evaluate(() =>
        document.querySelector<Timeline>('wl-timeline')?.focusRun('run-2-05'),
      );
      const update = (gone: string | null) =>
        page.evaluate(async (id) => {
          const element = document.querySelector<Timeline>('wl-timeline');
          if (!element) return;
          element.runs = element.runs
            .filter((run) => run.id !== id)
            .map((run) => (run.id === 'run-2-05' ? { ...run, stale: false } : run));
          await window.drawings.drawn();
        }, gone);
      await update(null);
      assert.equal(await focused(page), 'run run-2-05');
      await update('run-2-05');
      assert.equal(await focused(page), 'agent none');
    });
  });

  it('keeps the time under the wheel where it is, and moves time when dragged', async () => {
    const page = await studio.open();
    await showLedger(page);
    const under = async (x: number) => {
      const { from, span } = await range(page);
      return from + ((x - 316) / (1280 - 16 - 316)) * span;
    };
    const before = await under(700);
    await page.mouse.move(700, 300);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -200);
    await page.keyboard.up('Control');
    await page.evaluate(() => window.drawings.drawn());
    assert.ok(Math.abs((await under(700)) - before) < 1_000);
    const zoomed = await range(page);
    assert.ok(zoomed.span < 60 * 60_000);
    await page.mouse.down();
    await page.mouse.move(800, 300, { steps: 4 });
    await page.mouse.up();
    await page.evaluate(() => window.drawings.drawn());
    assert.ok((await range(page)).from < zoomed.from);
    assert.deepEqual(await events(page), []);
    await page.mouse.click(700, 300);
    assert.equal((await events(page)).length, 1);
  });

  it('moves its right edge only while something runs and somebody looks', async () => {
    const page = await studio.open();
    const alive = () =>
      page.evaluate(async () => {
        await window.drawings.drawn();
        return document.querySelector<Timeline>('wl-timeline')?.alive;
      });
    await page.evaluate(async () => {
      const { data, timeline, drawn } = window.drawings;
      const element = timeline({ clock: () => data.now, runs: data.ledgerTimes });
      await drawn();
      // A second passes.
      element.clock = () => data.now + 1_000;
      await drawn();
      await drawn();
    });
    assert.match(await text(page, 'run run-2-03'), /Running6m 13s$/);
    assert.equal(await page.locator('.wlt-now-word').textContent(), '15:02:12');
    assert.equal(await alive(), true);
    await page.evaluate(() =>
      document.querySelector<Timeline>('wl-timeline')?.setAttribute('hidden', ''),
    );
    await page.waitForFunction(() => !document.querySelector<Timeline>('wl-timeline')?.alive);
    await page.evaluate(() =>
      document.querySelector<Timeline>('wl-timeline')?.removeAttribute('hidden'),
    );
    await page.waitForFunction(() => document.querySelector<Timeline>('wl-timeline')?.alive);
    await page.evaluate(() => {
      const { data } = window.drawings;
      const element = document.querySelector<Timeline>('wl-timeline');
      if (element)
        element.runs = data.ledgerTimes.map((run) => ({
          ...run,
          status: 'completed',
          endedAt: data.now,
        }));
    });
    await alive();
    assert.equal(await alive(), false);
  });

  it('draws whatever a name says as text', async () => {
    const page = await studio.open();
    await page.evaluate(async () => {
      const { data, timeline, drawn } = window.drawings;
      timeline({ clock: () => data.now, runs: data.hostile, grouping: 'wave' });
      await drawn();
    });
    await studio.picture('timeline-hostile-dark');
    assert.deepEqual(await studio.axe(), []);
    assert.equal(await page.evaluate(() => 'ran' in window), false);
    assert.equal(await page.locator('main img, main script').count(), 0);
  });

  it('works in forced colours and in a side column', async () => {
    const page = await studio.open();
    await page.emulateMedia({ forcedColors: 'active' });
    await showLedger(page, 'run-2-05');
    await studio.picture('timeline-forced');
    await page.emulateMedia({ forcedColors: 'none' });
    await page.setViewportSize({ width: 360, height: 720 });
    await page.evaluate(() => window.drawings.drawn());
    await studio.picture('timeline-narrow-dark');
    assert.deepEqual(await studio.axe(), []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  });

  it('scrolls 10,000 runs with 100 transitions a second in 50 frames a second', async () => {
    const page = await studio.open();
    const seen = await page.evaluate(async () => {
      const { data, someGraph, timeline, drawn } = window.drawings;
      let runs = data.manyRuns(someGraph({ runs: 10_000, edges: 0, waves: 10 }));
      const made = performance.now();
      const element = timeline({ clock: () => data.now, runs });
      await element.updateComplete;
      const first = performance.now() - made;
      await drawn();
      const body = element.querySelector('.wlt-body');
      const gaps = await new Promise<number[]>((done) => {
        const found: number[] = [];
        const begun = performance.now();
        let last = begun;
        let changed = 0;
        const frame = () => {
          const now = performance.now();
          found.push(now - last);
          last = now;
          const next = [...runs];
          for (const due = Math.floor((now - begun) / 10); changed < due; changed += 1) {
            const index = (changed * 7919) % next.length;
            const run = next[index];
            if (run) next[index] = { ...run, stale: run.stale !== true };
          }
          runs = next;
          element.runs = runs;
          if (body) body.scrollTop += 23;
          if (now - begun < 2_000) requestAnimationFrame(frame);
          else done(found);
        };
        requestAnimationFrame(frame);
      });
      gaps.sort((one, other) => one - other);
      return {
        first,
        median: 1_000 / (gaps[Math.floor(gaps.length / 2)] ?? 0),
        slow: gaps[Math.floor(gaps.length * 0.95)] ?? 0,
        nodes: element.querySelectorAll('*').length,
      };
    });
    console.log(
      `      first update ${seen.first.toFixed(0)} ms; ${seen.median.toFixed(0)} frames/s median, 95% within ${seen.slow.toFixed(0)} ms; ${seen.nodes} elements`,
    );
    await studio.picture('timeline-10000-dark');
    if (timed) assert.ok(seen.median >= 50);
    assert.ok(seen.nodes < 1_000);
  });
});
