import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import type { AgentName, SessionId } from '../../src/core/model';
import { newId } from '../../src/store/newId';
import { placeOf } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { required, startEditor, type RunningEditor } from '../editor/server';
import { launchBrowser, screenshot } from '../editor/window';

/** The installed VSIX for the tests of one `describe`, and for each test a folder of its own with the sample. */
export interface Installed {
  readonly editor: RunningEditor;
  readonly browser: Browser;
  readonly folder: string;
}

export function useInstalled(): Installed {
  let editor: RunningEditor | undefined;
  let browser: Browser | undefined;
  let folder = '';

  before(async () => {
    [editor, browser] = await Promise.all([
      startEditor({ vsix: required('WAVELOCK_VSIX') }),
      launchBrowser(),
    ]);
  });
  after(async () => {
    await browser?.close();
    await editor?.stop();
  });
  beforeEach(() => {
    folder = join(realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-e2e-'))), 'ledger');
    cpSync('test/fixtures/sample', folder, { recursive: true });
  });
  afterEach(async function () {
    const contexts = browser?.contexts() ?? [];
    if (this.currentTest?.state === 'failed') {
      const test = this.currentTest.title.replace(/\W+/g, '-').slice(0, 40);
      const pages = contexts.flatMap((context) => context.pages());
      for (const [index, page] of pages.entries())
        await screenshot(page, `failed-${test}-${index + 1}`);
    }
    await Promise.all(contexts.map((context) => context.close()));
    rmSync(join(folder, '..'), { recursive: true, force: true, maxRetries: 5 });
  });

  return {
    get editor() {
      return started(editor);
    },
    get browser() {
      return started(browser);
    },
    get folder() {
      return folder;
    },
  };
}

function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('it is there only while tests run');
  return part;
}

/** A connection from beside, as any program of this machine has it. */
export function openBeside(
  folder: string,
  name: string,
  { resident = false } = {},
): Promise<Store> {
  return openThreadStore(
    {
      resident,
      place: placeOf(folder),
      identity: {
        agent: name as AgentName,
        named: true,
        kind: 'terminal',
        session: newId('ses') as SessionId,
        host: hostname(),
        pid: process.pid,
      },
      durability: 'normal',
    },
    resolve('dist/storeThread.js'),
  );
}
