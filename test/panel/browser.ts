/** The standalone page in Chromium, for the tests of one `describe`: a page each, and nothing to complain about at its end. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { servePanel, type PanelServer } from '../../scripts/panel.mjs';
import type { ToHost } from '../../src/shared/protocol';
import type { Tab } from '../../webview/memory';
import { patience } from '../patience';
import { findChromium } from './chromium';
import type { StateName } from './states';

export const themes = ['dark', 'light', 'hc', 'hc-light'] as const;
export type Theme = (typeof themes)[number];

export const wide = { width: 1400, height: 900 };
export const narrow = { width: 360, height: 820 };
export const pictures = process.env['WAVELOCK_PICTURES'] ?? join('.vscode-test', 'pictures');

const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: chromiumArgs,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}

export interface Opening {
  readonly theme?: Theme;
  readonly tab?: Tab;
  /** As many runs in one wave, instead of a state by its name. */
  readonly many?: number;
}

export interface Bench {
  readonly page: Page;
  open(state: StateName, opening?: Opening): Promise<void>;
  /** A state that the page has drawn when this resolves. */
  show(state: StateName): Promise<void>;
  /** All that was drawn for what has come is on the screen. */
  drawn(): Promise<void>;
  sent(): Promise<ToHost[]>;
  violations(): Promise<string[]>;
  picture(name: string): Promise<void>;
}

export function usePanel(): Bench {
  let server: PanelServer | undefined;
  let browser: Browser | undefined;
  let page: Page | undefined;
  let complaints: string[] = [];

  before(async () => {
    [server, browser] = await Promise.all([servePanel(), launchChromium()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser!.newPage({ viewport: wide, reducedMotion: 'reduce' });
    page.setDefaultTimeout(patience);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterEach(async () => {
    const violations = await page!.evaluate(() => window.page.violations);
    await page!.close();
    assert.deepEqual([...violations, ...complaints], []);
  });

  const at = (): Page => page!;
  const bench: Bench = {
    get page() {
      return at();
    },
    open: async (state, { theme = 'dark', tab, many } = {}) => {
      const asked = many === undefined ? '' : `&many=${many}`;
      await at().goto(`${server!.url}#theme=${theme}&state=${state}${asked}`);
      await at().locator('main.panel > *').first().waitFor({ state: 'attached' });
      await at().evaluate(() => document.fonts.ready);
      if (tab !== undefined) await at().locator(`[data-tab="${tab}"]`).click();
      await bench.drawn();
    },
    show: async (state) => {
      await at().evaluate((name) => {
        window.page.show(name);
      }, state);
      await bench.drawn();
    },
    drawn: () =>
      at().evaluate(async () => {
        // Messages arrive in order; a frame is drawn after what they led to, and lists measure in the next.
        await new Promise<void>((done) => {
          const channel = new MessageChannel();
          channel.port1.onmessage = () => {
            done();
          };
          window.addEventListener(
            'message',
            () => {
              channel.port2.postMessage(0);
            },
            { once: true },
          );
          window.page.post({ type: 'reply', request: 0, ok: true });
        });
        for (let frames = 0; frames < 4; frames += 1)
          await new Promise((done) => requestAnimationFrame(done));
      }),
    sent: () =>
      at().evaluate(() =>
        window.page.sent.filter(({ type }) => !['ready', 'details', 'events'].includes(type)),
      ),
    violations: async () => {
      await at().evaluate(axe.source);
      const { violations } = await at().evaluate(
        // The source just run has put axe into the page.
        () => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`),
      );
    },
    picture: async (name) => {
      await at().screenshot({ path: join(pictures, `panel-${name}.png`) });
    },
  };
  return bench;
}
