import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { servePanel, type PanelServer } from '../../scripts/panel.mjs';
import type { ToHost } from '../../src/shared/protocol';
import { patience } from '../patience';
import { states, type StateName } from './states';

const themes = ['dark', 'light', 'hc', 'hc-light'] as const;
type Theme = (typeof themes)[number];

const allStates = Object.keys(states) as StateName[];
const inEveryTheme: readonly StateName[] = [
  'normal',
  'ready',
  'empty',
  'failed',
  'invalid',
  'completed',
];

const pictures = join('.vscode-test', 'pictures');
const wide = { width: 1280, height: 820 };
const narrow = { width: 360, height: 820 };

/** Playwright would wait until the button is on. */
const evenIfOff = { force: true };

const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findChromium(): string {
  const places = [
    process.env['WAVELOCK_CHROMIUM'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const found = places.find((place) => place !== undefined && existsSync(place));
  if (found === undefined) throw new Error('Set WAVELOCK_CHROMIUM to the path of a Chromium.');
  return found;
}

describe('run-state panel', () => {
  let server: PanelServer;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  before(async () => {
    await mkdir(pictures, { recursive: true });
    server = await servePanel();
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: chromiumArgs,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  });

  after(async () => {
    await browser.close();
    await server.stop();
  });

  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage({ viewport: wide, reducedMotion: 'reduce' });
    page.setDefaultTimeout(patience);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });

  afterEach(async () => {
    const violations = await page.evaluate(() => window.page.violations);
    await page.close();
    assert.deepEqual([...violations, ...complaints], []);
  });

  async function open(state: StateName, theme: Theme = 'dark'): Promise<void> {
    await page.goto(`${server.url}#theme=${theme}&state=${state}`);
    await page.locator('main.panel > *').first().waitFor({ state: 'attached' });
    await page.evaluate(() => document.fonts.ready);
  }

  /** A state that the page has drawn when this resolves. */
  async function show(state: StateName): Promise<void> {
    await page.evaluate((name) => {
      window.page.show(name);
      // Messages arrive in order, and an element draws before the next frame.
      return new Promise<void>((done) => {
        window.addEventListener(
          'message',
          () =>
            requestAnimationFrame(() => {
              done();
            }),
          {
            once: true,
          },
        );
      });
    }, state);
  }

  const sent = (): Promise<ToHost[]> =>
    page.evaluate(() => window.page.sent.filter(({ type }) => type !== 'ready'));
  const advance = (): Locator => page.getByRole('button', { name: 'Advance Wave' });
  /** The control passes the attribute on in a frame of its own, so it is waited for. */
  const isOff = (off: boolean): Promise<void> =>
    advance()
      .and(page.locator(`[aria-disabled="${String(off)}"]`))
      .waitFor();
  const said = (): Locator => page.locator('[data-said]');
  const focusedTask = (): Promise<string | null> =>
    page.evaluate(() => document.activeElement?.getAttribute('data-task') ?? null);

  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(
      // The source just run has put axe into the page.
      () => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  describe('shows each state to everybody', () => {
    for (const theme of themes) {
      for (const state of theme === 'dark' ? allStates : inEveryTheme) {
        it(`${state} in ${theme}`, async () => {
          await open(state, theme);
          if (state === 'opening') await page.locator('.loading').waitFor();
          await page.screenshot({ path: join(pictures, `panel-${state}-${theme}.png`) });
          assert.deepEqual(await violations(), []);
        });
      }
    }

    for (const state of ['normal', 'invalid', 'several', 'completed', 'hostile'] as const) {
      it(`${state} in a side column`, async () => {
        await page.setViewportSize(narrow);
        await open(state);
        await page.screenshot({ path: join(pictures, `panel-${state}-narrow.png`) });
        assert.deepEqual(await violations(), []);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(overflow, narrow.width);
      });
    }

    it('normal in forced colours', async () => {
      await page.emulateMedia({ forcedColors: 'active' });
      await open('normal');
      await page.screenshot({ path: join(pictures, 'panel-normal-forced.png') });
      // The colours are the system's, which axe does not see.
      const found = await violations();
      assert.deepEqual(
        found.filter((it) => !it.startsWith('color-contrast')),
        [],
      );
    });
  });

  it('lets a run speak where the box is empty, and the box where it is not', async () => {
    await open('normal');
    const state = (id: string) => page.locator(`[data-task="${id}"] .word`).textContent();
    assert.equal(await state('2-07'), 'Error');
    assert.equal(await state('2-01'), 'Completed');
    assert.equal(await state('2-05'), 'In progress');
    assert.equal(await state('2-09'), 'Pending');
    assert.equal(await state('2-12'), 'Completed, not ticked');
    assert.equal(await page.locator('[data-task="2-07"] .att').textContent(), 'Attempt 3');
    assert.equal(await page.locator('[data-task="2-08"] .att').count(), 0);
  });

  it('runs nothing that a file says', async () => {
    await open('hostile');
    assert.match((await page.locator('h2').textContent()) ?? '', /^<img src=x/);
    assert.equal(await page.locator('img, main script, main [onclick]').count(), 0);
    assert.equal(await page.evaluate(() => 'ran' in window), false);
  });

  it('ignores a malformed message and goes on', async () => {
    await open('normal');
    for (const message of [
      null,
      1,
      {},
      { type: 'state' },
      { type: 'state', state: { store: 1 } },
    ]) {
      await page.evaluate((it) => {
        window.page.post(it);
      }, message);
    }
    await page.evaluate(() => {
      window.page.post({ type: 'reply', request: 99, ok: true });
    });
    await show('completed');
    await page.getByRole('heading', { name: 'Workflow completed' }).waitFor();
    assert.deepEqual(await sent(), []);
  });

  it('shows placeholders only when the store takes its time to open', async () => {
    await page.clock.install({ time: 0 });
    await page.clock.pauseAt(1000);
    await page.goto(`${server.url}#theme=dark&state=opening`);
    await page.locator('main.panel').waitFor({ state: 'attached' });
    const placeholders = page.locator('.loading');
    await page.clock.runFor(149);
    assert.equal(await placeholders.count(), 0);
    await page.clock.runFor(1);
    await placeholders.waitFor();
    await page.clock.resume();
    await show('normal');
    assert.equal(await placeholders.count(), 0);
  });

  describe('Advance Wave', () => {
    it('asks with the wave that was seen, and tells when it has come', async () => {
      await open('ready');
      await isOff(false);
      await advance().click();
      await page.getByText('Wave 3/5').waitFor();
      assert.deepEqual(await sent(), [
        { type: 'advance', request: 1, workflow: 'ledger#STATE.md', seen: 2 },
      ]);
      assert.equal(
        await said().textContent(),
        'Double-entry ledger migration advanced to wave 3 of 5',
      );
    });

    it('can be reached and says why while it is off, and sends nothing', async () => {
      await open('normal');
      await isOff(true);
      await advance().focus();
      await page.keyboard.press('Enter');
      await advance().click(evenIfOff);
      const reason = await page.locator('.reason').textContent();
      assert.match(
        reason ?? '',
        /^\s*12 tasks of wave 2 are not completed: 3 running, 3 waiting, 5 ended otherwise, 1 not ticked/,
      );
      assert.equal((await said().textContent())?.trim(), reason?.trim());
      assert.deepEqual(await sent(), []);
      const described = await advance().evaluate((button) =>
        button.ariaDescribedByElements?.map((element) => element.textContent.trim()),
      );
      assert.deepEqual(described, [reason?.trim()]);
    });

    for (const [state, reason] of [
      ['failed', 'the store failed'],
      ['restricted', 'not trusted'],
      ['invalid', 'STATE.md has 3 errors'],
      ['completed', 'is completed'],
    ] as const) {
      it(`is off when ${state}`, async () => {
        await open(state);
        await advance().click(evenIfOff);
        await isOff(true);
        assert.ok((await page.locator('.reason').textContent())?.includes(reason));
        assert.deepEqual(await sent(), []);
      });
    }

    it('is sent once however often it is pressed', async () => {
      await open('ready');
      await page.evaluate(() => (window.page.silent = true));
      await advance().dblclick(evenIfOff);
      await page.getByText('Advancing…').first().waitFor();
      assert.equal((await sent()).length, 1);
    });

    it('shows why the host refused', async () => {
      await open('ready');
      await page.evaluate(() => (window.page.refuse = 'STATE.md is held by terminal-1'));
      await advance().click();
      await page.locator('.reason', { hasText: 'held by terminal-1' }).waitFor();
      assert.equal(await said().textContent(), 'STATE.md is held by terminal-1');
      await isOff(false);
    });
  });

  it('opens the line of a problem', async () => {
    await open('invalid');
    await page.getByRole('button', { name: 'Line 28' }).click();
    assert.deepEqual(await sent(), [
      { type: 'open', request: 1, workflow: 'ledger#STATE.md', line: 27 },
    ]);
  });

  describe('keyboard', () => {
    it('keeps its task when the task changes its group', async () => {
      await open('normal');
      await page.locator('[data-task="2-04"]').focus();
      await show('ready');
      assert.equal(await focusedTask(), '2-04');
      assert.equal(await said().textContent(), '2-04: Completed');
    });

    it('keeps the button', async () => {
      await open('ready');
      await advance().focus();
      await show('normal');
      assert.equal(await page.evaluate(() => document.activeElement?.localName), 'vscode-button');
    });

    it('walks cards as they stand, and from wave to wave', async () => {
      await open('normal');
      await page.locator('[data-task="2-07"]').focus();
      const walk = async (...keys: string[]) => {
        for (const key of keys) await page.keyboard.press(key);
        return focusedTask();
      };
      assert.equal(await walk('ArrowRight'), '2-08');
      assert.equal(await walk('ArrowDown'), '2-13');
      assert.equal(await walk('ArrowUp', 'ArrowLeft'), '2-07');
      assert.equal(await walk('End'), '2-12');
      assert.equal(await walk('ArrowRight'), '3-03');
      assert.equal(await walk('ArrowLeft'), '2-12');
      assert.equal(await walk('Home'), '2-07');
    });

    it('unfolds a wave, remembers that, and folds it again', async () => {
      await open('normal');
      await page.getByRole('button', { name: 'Wave 1 6/6' }).press('Enter');
      await page.getByText('Continuous integration').waitFor();
      assert.deepEqual(await page.evaluate(() => window.page.saved), {
        unfolded: { 'ledger#STATE.md': [1] },
      });
      await page.locator('[aria-label="Fold wave 1"]:focus').press('Enter');
      await page.locator('.slim[data-fold="1"]:focus').waitFor();
      assert.equal(await page.getByText('Continuous integration').isVisible(), false);
    });
  });
});
