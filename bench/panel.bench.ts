/** The panel in a browser: how long the first picture takes, and how smoothly it moves while runs do. */
import type { Browser, Page } from 'playwright-core';
import { servePanel } from '../scripts/panel.mjs';
import { launchChromium } from '../test/panel/browser';
import { median, most, type Bench, type Sample } from './bench';

const transitionsPerSecond = 100;
const watchedMs = 4_000;

const panel: Bench = {
  name: 'panel',
  about:
    'The run-state panel in Chromium without a graphics card: from the model to the first frame, frames while 100 transitions a second arrive.',
  columns: [
    median('first_frame_ms', 'first frame ms'),
    median('transfer_ms', 'transfer ms'),
    most('nodes', 'DOM nodes'),
    median('frames_per_s', 'median frames/s'),
    median('p95_ms', 'p95 frame ms', 1),
  ],
  laws: [
    {
      what: 'first frame of 10,000 runs in ms',
      row: 'board 10,000',
      over: 'median',
      of: (figure) => figure('board 10,000', 'first_frame_ms'),
      atMost: 500,
    },
    {
      what: 'first frame of 50,000 runs ÷ of 1,000',
      row: 'board 50,000',
      over: 'median',
      of: (figure) =>
        figure('board 50,000', 'first_frame_ms') / figure('board 1,000', 'first_frame_ms'),
      atMost: 2,
    },
    ...['board', 'graph', 'timeline', 'events'].map((tab) => ({
      what: `median frames/s of the moving ${tab}`,
      row: `${tab} moving`,
      over: 'median' as const,
      of: (figure: (row: string, name: string) => number) =>
        figure(`${tab} moving`, 'frames_per_s'),
      atLeast: 50,
    })),
    {
      what: 'DOM nodes, 50,000 runs',
      row: 'board 50,000',
      over: 'most',
      of: (figure) => figure('board 50,000', 'nodes'),
      atMost: 1_500,
    },
  ],
  prepare() {
    return Promise.resolve(async () => {
      const server = await servePanel();
      const browser = await launchChromium();
      try {
        const samples: Sample[] = [];
        for (const count of [1_000, 10_000, 50_000])
          samples.push(await firstFrame(browser, server.url, count));
        for (const tab of ['board', 'graph', 'timeline', 'events'] as const)
          samples.push(await moving(browser, server.url, tab));
        return samples;
      } finally {
        await browser.close();
        await server.stop();
      }
    });
  },
};

async function opened(browser: Browser, url: string, state: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.goto(`${url}#theme=dark&state=${state}`);
  await page.locator('main.panel > *').first().waitFor({ state: 'attached' });
  await page.evaluate(() => document.fonts.ready);
  return page;
}

/** On a page that is warm: what a person waits for when the panel is opened is the state, not the script. */
async function firstFrame(browser: Browser, url: string, count: number): Promise<Sample> {
  const page = await opened(browser, url, 'empty');
  const figures = await page.evaluate(async (runs) => {
    performance.clearMarks();
    const started = performance.now();
    window.page.showMany(runs);
    while (performance.getEntriesByName('wavelock:model').length === 0)
      await new Promise((done) => setTimeout(done));
    const model = performance.getEntriesByName('wavelock:model')[0]?.startTime ?? NaN;
    while (document.querySelectorAll('.trow.line').length === 0)
      await new Promise((done) => requestAnimationFrame(done));
    // The frame after the one in which the rows came is on the screen.
    await new Promise((done) => requestAnimationFrame(done));
    const drawn = performance.now();
    return {
      transfer_ms: model - started,
      first_frame_ms: drawn - model,
      nodes: document.querySelectorAll('*').length,
    };
  }, count);
  await page.close();
  return { row: `board ${count.toLocaleString('en')}`, figures };
}

async function moving(
  browser: Browser,
  url: string,
  tab: 'board' | 'graph' | 'timeline' | 'events',
): Promise<Sample> {
  const page = await opened(browser, url, 'many');
  await page.locator(`[data-tab="${tab}"]`).click();
  await page.locator('#view :is(.vrow, [data-row])').first().waitFor({ state: 'attached' });
  const figures = await page.evaluate(
    async ({ which, perSecond, ms }) => {
      const list = document.querySelector<HTMLElement>(
        '.wave.current wl-rows, #view wl-rows, .wlt-body',
      );
      const canvas = document.querySelector('.wlg-canvas');
      const arriving = setInterval(() => {
        window.page.move();
      }, 1_000 / perSecond);
      const frames: number[] = [];
      const start = performance.now();
      let last = start;
      for (let step = 0; last - start < ms; step += 1) {
        if (which === 'graph')
          canvas?.dispatchEvent(
            new WheelEvent('wheel', { deltaX: 6, deltaY: 3, cancelable: true }),
          );
        else if (list) list.scrollTop += 30;
        const at = await new Promise<number>((done) => requestAnimationFrame(done));
        if (step > 5) frames.push(at - last);
        last = at;
      }
      clearInterval(arriving);
      frames.sort((one, other) => one - other);
      return {
        frames_per_s: 1_000 / (frames[Math.floor(frames.length / 2)] ?? Infinity),
        p95_ms: frames[Math.floor(frames.length * 0.95)] ?? NaN,
        nodes: document.querySelectorAll('*').length,
      };
    },
    { which: tab, perSecond: transitionsPerSecond, ms: watchedMs },
  );
  await page.close();
  return { row: `${tab} moving`, figures };
}

export default panel;
