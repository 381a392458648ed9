/** A page with the graph or the timeline alone, under the product's content policy, in Chromium. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { patience } from '../patience';
import { findChromium } from './chromium';
import type { Theme } from './drawingsPage';

export const themes: readonly Theme[] = ['dark', 'light', 'hc', 'hc-light'];
/** Speed is a law of the long form, on a machine that does nothing else. */
export const timed = process.env['WAVELOCK_CAMPAIGN'] === '1';
export const pictures = join('.vscode-test', 'pictures');

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta
      http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'"
    />
    <title>Wavelock</title>
    <link rel="stylesheet" href="/drawings.css" />
  </head>
  <body><main></main><script src="/drawingsPage.js"></script></body>
</html>`;

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  ttf: 'font/ttf',
};

/** Bundles once and answers from memory. */
async function serve(): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: ['test/panel/drawingsPage.ts', 'test/panel/drawings.css'],
    outdir: 'out/drawings',
    write: false,
    bundle: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [`/${basename(path)}`, contents]));
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const found = files.get(path);
    response.setHeader(
      'content-type',
      found ? (types[path.split('.').at(-1) ?? ''] ?? '') : 'text/html',
    );
    response.end(found ?? html);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

export interface Studio {
  readonly page: Page;
  open(theme?: Theme): Promise<Page>;
  picture(name: string): Promise<void>;
  axe(): Promise<string[]>;
}

/** Call it inside a `describe`: a page for each of its tests, and nothing that it complains of. */
export function useStudio(size = { width: 1280, height: 720 }): Studio {
  let server: Server;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  before(async () => {
    await mkdir(pictures, { recursive: true });
    server = await serve();
    browser = await chromium.launch({
      executablePath: findChromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  });
  after(async () => {
    await browser.close();
    await new Promise((done) => server.close(done));
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage({ viewport: size, reducedMotion: 'reduce' });
    page.setDefaultTimeout(patience);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterEach(async () => {
    const violations = await page.evaluate(() => window.drawings.violations);
    await page.close();
    assert.deepEqual([...violations, ...complaints], []);
  });

  return {
    get page() {
      return page;
    },
    async open(theme = 'dark') {
      const { port } = server.address() as AddressInfo;
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.evaluate((it) => {
        window.drawings.theme(it);
      }, theme);
      return page;
    },
    async picture(name) {
      await page.evaluate(() => document.fonts.ready);
      await page.evaluate(() => window.drawings.drawn());
      await page.screenshot({ path: join(pictures, `${name}.png`) });
    },
    async axe() {
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(
        // The source just run has put axe into the page.
        () =>
          (window as unknown as { axe: { run(context: unknown): Promise<AxeResults> } }).axe.run(
            'main',
          ),
      );
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html: it }) => `${id}: ${it}`));
    },
  };
}
