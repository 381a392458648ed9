/**
 * What a person does with the panel, by mouse and by keys alone, and what the host is asked for. Long because it goes
 * through the panel from tab to tab; whoever changes one finds here what people do in it.
 */
import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import type { ToHost } from '../../src/shared/protocol';
import { usePanel } from './browser';
import { ledgerFile, ledgerStore, states } from './states';

/** Playwright would wait until the button is on. */
const evenIfOff = { force: true };

describe('panel acts', () => {
  const bench = usePanel();
  const page = () => bench.page;
  const advance = (): Locator => page().getByRole('button', { name: 'Advance Wave' });
  /** The control passes the attribute on in a frame of its own, so it is waited for. */
  const isOff = (off: boolean): Promise<void> =>
    advance()
      .and(page().locator(`[aria-disabled="${String(off)}"]`))
      .waitFor();
  const said = async (): Promise<string> =>
    ((await page().locator('[data-said]').last().textContent()) ?? '').trim();
  const focusedKey = (): Promise<string | null> =>
    page().evaluate(() => {
      const at = document.activeElement as HTMLElement | null;
      return at?.dataset['key'] ?? null;
    });
  const focusedRow = (): Promise<string | null> =>
    page().evaluate(() => document.activeElement?.getAttribute('data-row') ?? null);
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) {
      await page().keyboard.press(key);
      await bench.drawn();
    }
  };
  const focusItem = async (key: string): Promise<void> => {
    await page().locator(`[data-key="${key}"]`).focus();
    await bench.drawn();
  };
  /** Asked for beside the request's number. */
  const asked = async (): Promise<Partial<ToHost>[]> =>
    (await bench.sent()).map((message) => {
      const wish: Partial<ToHost> & { request?: number } = { ...message };
      delete wish.request;
      return wish;
    });

  describe('messages', () => {
    it('ignores what is malformed, begins again after a gap, and goes on', async () => {
      await bench.open('normal');
      for (const message of [null, 1, {}, { type: 'state' }, { type: 'reply', request: 'x' }])
        await page().evaluate((it) => {
          window.page.post(it);
        }, message);
      await page().evaluate(() => {
        window.page.post({ type: 'reply', request: 99, ok: true });
        window.page.post({ type: 'change', epoch: window.page.epoch, seq: 7, at: 0 });
      });
      await bench.drawn();
      assert.deepEqual(await asked(), [{ type: 'resync', why: 'change 7 came after 0' }]);
      await bench.show('completed');
      await page().getByRole('heading', { name: 'Workflow completed' }).waitFor();
    });

    it('says so when host and panel do not understand one another', async () => {
      await bench.open('normal');
      for (let time = 0; time < 8; time += 1) {
        await page().evaluate(() => {
          window.page.post({ type: 'change', nonsense: true });
        });
        await bench.drawn();
      }
      await page().getByRole('alert').filter({ hasText: 'do not understand' }).waitFor();
      assert.equal((await asked()).length, 5);
    });

    it('a store that closes under it leaves what was known, and takes nothing on', async () => {
      await bench.open('normal');
      await focusItem('2-07');
      await page().evaluate(() => {
        window.page.change({
          stores: [
            {
              key: '/work/ledger/.wavelock',
              name: 'ledger',
              state: 'failed',
              seq: 4812,
              code: 'store_gone',
              message: 'The folder .wavelock is not there any more.',
              warnings: [],
            },
          ],
        });
      });
      await page().getByRole('alert').filter({ hasText: 'store_gone' }).waitFor();
      assert.equal(await focusedKey(), '2-07');
      await press('Enter');
      assert.equal(await page().locator('[data-act="retry"]').count(), 0);
      await page().getByRole('button', { name: 'Try again' }).click();
      await page().getByRole('button', { name: 'Run Doctor' }).click();
      await page().getByRole('button', { name: 'Show log' }).click();
      assert.deepEqual(await asked(), [
        { type: 'retryStore', store: ledgerStore },
        { type: 'doctor' },
        { type: 'showLog' },
      ]);
    });
  });

  it('shows placeholders only when the store takes its time to open', async () => {
    await page().clock.install({ time: 0 });
    await page().clock.pauseAt(1000);
    await bench.page.goto('about:blank');
    await page().clock.resume();
    await bench.open('opening');
    await page().locator('.loading').waitFor();
    await bench.show('normal');
    assert.equal(await page().locator('.loading').count(), 0);
  });

  describe('Advance Wave', () => {
    it('asks with the wave that was seen, and tells when it has come', async () => {
      await bench.open('ready');
      await isOff(false);
      await advance().click();
      await page().getByText('Wave 3/5').waitFor();
      assert.deepEqual(await asked(), [{ type: 'advance', workflow: ledgerFile, seen: 2 }]);
      assert.equal(await said(), 'Double-entry ledger migration advanced to wave 3 of 5');
    });

    it('that is taken back is told as that', async () => {
      await bench.open('ready');
      const [ready] = states.ready.workflows;
      assert.ok(ready);
      await page().evaluate(
        (workflow) => {
          window.page.change({ workflows: [workflow] });
        },
        { ...ready, wave: 1 },
      );
      await page().getByText('Wave 1/5').waitFor();
      assert.equal(await said(), 'Double-entry ledger migration went back to wave 1 of 5');
    });

    it('and the answer to a key are both told, whichever comes first', async () => {
      await bench.open('ready');
      const [ready] = states.ready.workflows;
      assert.ok(ready);
      await press('Control+z');
      await page().evaluate(
        (workflow) => {
          window.page.change({ workflows: [workflow] });
        },
        { ...ready, wave: 1 },
      );
      await page().getByText('Wave 1/5').waitFor();
      await press('Control+z');
      assert.deepEqual(await page().locator('[data-said]').allTextContents(), [
        'Taken back: 2-07 is In progress',
        'Double-entry ledger migration went back to wave 1 of 5',
        'Taken back: 2-07 is In progress',
      ]);
    });

    it('can be reached and says why while it is off, and sends nothing', async () => {
      await bench.open('normal');
      await isOff(true);
      await advance().focus();
      await press('Enter');
      await advance().click(evenIfOff);
      const reason = (await page().locator('.reason').textContent())?.trim() ?? '';
      assert.equal(
        reason,
        '12 tasks of wave 2 are not completed: 2 running, 3 waiting, 6 need attention, 1 not ticked in the file',
      );
      assert.equal(await said(), reason);
      assert.deepEqual(await asked(), []);
      const described = await advance().evaluate((button) =>
        button.ariaDescribedByElements?.map((element) => element.textContent.trim()),
      );
      assert.deepEqual(described, [reason]);
    });

    it('Show blockers leaves exactly the tasks that keep the wave', async () => {
      await bench.open('normal');
      await page().getByRole('button', { name: 'Show blockers' }).click();
      await bench.drawn();
      const keys = await page()
        .locator('.wave.current [data-key]')
        .evaluateAll((all) => all.map((it) => (it as HTMLElement).dataset['key']));
      assert.equal(
        keys.every((key) => key?.startsWith('2-')),
        true,
      );
      assert.equal(keys.includes('2-01'), false);
      await press('Shift+F');
      assert.equal(await page().locator('[data-key="2-01"]').count(), 1);
    });

    for (const [state, reason] of [
      ['failed', 'the store failed'],
      ['restricted', 'not trusted'],
      ['invalid', 'STATE.md has 3 errors'],
      ['completed', 'is completed'],
    ] as const) {
      it(`is off when ${state}`, async () => {
        await bench.open(state);
        await advance().click(evenIfOff);
        await isOff(true);
        assert.ok((await page().locator('.reason').textContent())?.includes(reason));
        assert.deepEqual(await asked(), []);
      });
    }

    it('is sent once however often it is pressed', async () => {
      await bench.open('ready');
      await page().evaluate(() => (window.page.silent = true));
      await advance().dblclick(evenIfOff);
      await page().getByText('Advancing…').first().waitFor();
      assert.equal((await asked()).length, 1);
    });

    it('shows why the host refused', async () => {
      await bench.open('ready');
      await page().evaluate(() => (window.page.refuse = 'STATE.md is held by terminal-1'));
      await advance().click();
      await page().locator('.reason', { hasText: 'held by terminal-1' }).waitFor();
      assert.equal(await said(), 'STATE.md is held by terminal-1');
      await isOff(false);
    });
  });

  it('opens the line of a problem, and the file', async () => {
    await bench.open('invalid');
    await page().getByRole('button', { name: 'Line 28' }).click();
    await page().getByRole('button', { name: 'STATE.md', exact: true }).click();
    assert.deepEqual(await asked(), [
      { type: 'open', workflow: ledgerFile, line: 27 },
      { type: 'open', workflow: ledgerFile },
    ]);
  });

  describe('details', () => {
    const open = async (key: string): Promise<void> => {
      await bench.open('normal');
      await focusItem(key);
      await press('Enter');
      await page().locator('.drawer').waitFor();
    };
    const acts = () =>
      page()
        .locator('.drawer [data-act]')
        .evaluateAll((all) => all.map((it) => (it as HTMLElement).dataset['act']));

    for (const [key, legal] of [
      ['2-05', ['cancel', 'kill', 'open']],
      ['2-07', ['retry', 'open', 'task-done', 'task-doing', 'task-failed']],
      ['2-10', ['cancel', 'open', 'task-done', 'task-doing', 'task-failed']],
      ['2-01', ['open', 'task-doing', 'task-failed', 'task-todo']],
      ['3-04', ['queue', 'open', 'task-done', 'task-doing', 'task-failed']],
    ] as const) {
      it(`of ${key} offer what is legal, and nothing else`, async () => {
        await open(key);
        assert.deepEqual(await acts(), [...legal]);
      });
    }

    it('tell on what evidence a run was lost, and ask the host for it', async () => {
      await open('2-08');
      await page().getByText('Its process was gone').waitFor();
      const sent = await page().evaluate(() =>
        window.page.sent.find(({ type }) => type === 'details'),
      );
      assert.equal((sent as { store: string }).store, ledgerStore);
    });

    it('ask before a kill, and send the reason; Escape keeps it', async () => {
      await open('2-05');
      await page().locator('[data-act="kill"]').focus();
      await press('Enter');
      await page().keyboard.type('hangs since noon');
      await press('Escape');
      assert.deepEqual(await asked(), []);
      assert.equal(await page().locator('.drawer').count(), 1);
      await page().locator('[data-act="kill"]').focus();
      await press('Enter');
      await page().keyboard.type('hangs since noon');
      await press('Enter');
      const run = await page().locator('.dmeta .mono').textContent();
      assert.deepEqual(await asked(), [
        { type: 'run', store: ledgerStore, run, action: 'kill', reason: 'hangs since noon' },
      ]);
    });

    it('retry, cancel, queue, tick and open go to the host as they are', async () => {
      await open('2-07');
      await page().locator('[data-act="retry"]').click();
      await page().locator('[data-act="task-done"]').click();
      await page().locator('[data-act="open"]').click();
      await focusItem('3-04');
      await press('Enter');
      await page().locator('[data-act="queue"]').click();
      const all = await asked();
      assert.deepEqual(
        all.map(({ type }) => type),
        ['run', 'task', 'open', 'queue'],
      );
      assert.deepEqual(all[1], {
        type: 'task',
        workflow: ledgerFile,
        task: '2-07',
        status: 'done',
        seen: 'todo',
      });
    });

    it('a refusal is shown where it was asked for', async () => {
      await open('2-07');
      await page().evaluate(() => (window.page.refuse = 'Run run_x cannot be retried.'));
      await page().locator('[data-act="retry"]').click();
      await page().getByRole('alert').filter({ hasText: 'cannot be retried' }).waitFor();
      assert.equal(await said(), 'Run run_x cannot be retried.');
      await page().getByRole('button', { name: 'Dismiss' }).click();
      assert.equal(await page().getByRole('alert').count(), 0);
    });

    it('lead to what is needed and to what is held up', async () => {
      await open('2-09');
      await page().locator('.deprow', { hasText: '2-08' }).click();
      await page().locator('.drawer h2', { hasText: '2-08' }).waitFor();
      await page().locator('.deprow', { hasText: '2-09' }).waitFor();
    });

    it('give the focus back to their card', async () => {
      await open('2-07');
      await press('Escape');
      assert.equal(await page().locator('.drawer').count(), 0);
      assert.equal(await focusedKey(), '2-07');
    });

    it('stay with their item while everything around it moves', async () => {
      await open('2-03');
      await page().locator('[data-act="cancel"]').focus();
      for (let time = 0; time < 30; time += 1)
        await page().evaluate(() => {
          window.page.move();
        });
      await bench.drawn();
      assert.match((await page().locator('.drawer h2').textContent()) ?? '', /2-03/);
      const inside = await page().evaluate(
        () => document.querySelector('.drawer')?.contains(document.activeElement) ?? false,
      );
      assert.equal(inside, true, 'the focus is still in the details');
    });
  });

  describe('filters', () => {
    const count = async () => ((await page().locator('.total').textContent()) ?? '').trim();

    it('a chip hides its state, says so in place, and is remembered', async () => {
      await bench.open('normal');
      assert.equal(await count(), '32/32');
      const chip = page().locator('[data-chip="cancelled"]');
      await chip.click();
      assert.equal(await chip.getAttribute('aria-pressed'), 'false');
      assert.match((await chip.textContent()) ?? '', /0\/1/);
      assert.equal(await page().locator('[data-key="2-13"]').count(), 0);
      await page().getByText('1 task is hidden by the filter').waitFor();
      assert.equal(await count(), '31/32');
      await page().reload();
      await page().locator('[data-chip="cancelled"][aria-pressed="false"]').waitFor();
    });

    it('search looks for every word in task, title, agent and error', async () => {
      await bench.open('normal');
      await press('/');
      await page().keyboard.type('WORKER-ci-01 exit');
      await bench.drawn();
      assert.equal(await count(), '1/32');
      assert.equal(await page().locator('.wave.current [data-key]').count(), 1);
      await press('Escape');
      assert.equal(await count(), '32/32');
    });

    it('says that nothing matches, with the way back', async () => {
      await bench.open('normal');
      await press('/');
      await page().keyboard.type('no such thing');
      await page().getByRole('heading', { name: 'Nothing matches' }).waitFor();
      await page().locator('.blank').getByRole('button', { name: 'Show all' }).click();
      assert.equal(await count(), '32/32');
    });

    it('waves and agents are chosen in menus, by keys', async () => {
      await bench.open('normal');
      await page().locator('.m-agents .drop').focus();
      await press('Enter', 'ArrowDown', 'Space');
      assert.match((await page().locator('.m-agents .drop').textContent()) ?? '', /5\/6/);
      await press('Escape');
      assert.equal(await page().locator('.menu').count(), 0);
      assert.equal(
        await page().evaluate(() => document.activeElement?.classList.contains('drop')),
        true,
      );
    });
  });

  describe('keys', () => {
    it('keep their task when the task changes its group', async () => {
      await bench.open('normal');
      await focusItem('2-04');
      await bench.show('ready');
      assert.equal(await focusedKey(), '2-04');
    });

    it('keep the button', async () => {
      await bench.open('ready');
      await advance().focus();
      await bench.show('normal');
      assert.equal(await page().evaluate(() => document.activeElement?.localName), 'vscode-button');
    });

    it('walk cards as they stand, and from wave to wave', async () => {
      await bench.open('normal');
      await focusItem('2-05');
      const walk = async (...keys: string[]) => {
        await press(...keys);
        return focusedKey();
      };
      assert.equal(await walk('ArrowRight'), '2-07');
      assert.equal(await walk('ArrowDown'), '2-08');
      assert.equal(await walk('ArrowLeft'), '2-14');
      assert.equal(await walk('ArrowUp'), '2-05');
      assert.equal(await walk('End'), '2-12');
      assert.equal(await walk('ArrowRight'), '3-01');
      assert.equal(await walk('ArrowDown', 'ArrowLeft'), '2-12');
      assert.equal(await walk('Home'), '2-05');
      assert.equal(await page().locator('.wave.current [data-key][tabindex="0"]').count(), 1);
    });

    it('walk ten thousand rows, and never lose the focus while 100 of them move', async () => {
      await bench.open('many');
      await page().locator('.wave.current [data-key]').first().focus();
      await press('End');
      assert.equal(await focusedKey(), '2-9997');
      for (let time = 0; time < 100; time += 1) {
        await page().evaluate(() => {
          window.page.move();
        });
      }
      await bench.drawn();
      assert.equal(await focusedKey(), '2-9997');
      await press('Home', 'PageDown');
      assert.notEqual(await focusedKey(), null);
      const seen = await page().evaluate(() => {
        const rect = document.activeElement?.getBoundingClientRect();
        return rect !== undefined && rect.top > 0 && rect.bottom < innerHeight;
      });
      assert.equal(seen, true);
    });

    it('F6 goes round the regions', async () => {
      await bench.open('normal');
      await focusItem('2-05');
      await press('Enter');
      const region = () =>
        page().evaluate(() => {
          const at = document.activeElement;
          return ['head', 'tabrow', 'chips', 'view', 'drawer'].find((name) =>
            at?.closest(`.${name}`),
          );
        });
      const seen: (string | undefined)[] = [];
      for (let time = 0; time < 5; time += 1) {
        await press('F6');
        seen.push(await region());
      }
      assert.deepEqual(seen, ['head', 'tabrow', 'chips', 'view', 'drawer']);
    });

    it('1 to 5 open the tabs, G and M show the same item there, N finds what needs attention', async () => {
      await bench.open('normal');
      await press('n');
      assert.equal(await focusedKey(), '2-05');
      await press('n');
      assert.equal(await focusedKey(), '2-07');
      await press('g');
      assert.equal(await focusedRow(), 'run 2-07');
      await press('m');
      assert.match((await focusedRow()) ?? '', /^run run_/);
      await press('b');
      assert.equal(await focusedKey(), '2-07');
      for (const [key, tab] of [
        ['2', 'graph'],
        ['3', 'timeline'],
        ['4', 'locks'],
        ['5', 'events'],
        ['1', 'board'],
      ] as const) {
        await press(key);
        assert.equal(
          await page().locator(`[data-tab="${tab}"]`).getAttribute('aria-selected'),
          'true',
        );
        assert.equal(
          await page().evaluate(() => document.activeElement?.closest('#view') !== null),
          true,
          `the focus is in ${tab}`,
        );
      }
    });

    it('copy id, link and summary of the run that has the focus', async () => {
      await bench.open('normal');
      await focusItem('2-07');
      await press('c', 'l', 'y');
      assert.deepEqual(
        (await asked()).map((wish) => 'what' in wish && wish.what),
        ['id', 'link', 'summary'],
      );
      assert.equal(await said(), 'Copied');
    });

    it('Ctrl+Z takes back the last change and says what; in the search it is the search’s own', async () => {
      await bench.open('normal');
      await press('/');
      await page().keyboard.type('ledger');
      await press('Control+z');
      assert.deepEqual(await asked(), []);
      await press('Escape', 'Escape');
      await focusItem('2-07');
      await press('Control+Shift+z', 'Control+z');
      assert.deepEqual(await asked(), [{ type: 'takeBack', workflow: ledgerFile }]);
      assert.equal(await said(), 'Taken back: 2-07 is In progress');
      assert.equal(await focusedKey(), '2-07');
    });

    it('? shows the keys and gives the focus back', async () => {
      await bench.open('normal');
      await focusItem('2-07');
      await press('?');
      await page().getByRole('dialog').waitFor();
      await press('Escape');
      await page().getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(await focusedKey(), '2-07');
    });

    it('D turns cards into lines and back', async () => {
      await bench.open('normal');
      await focusItem('2-07');
      await press('d');
      assert.equal((await page().locator('.trow.line').count()) > 5, true);
      assert.equal(await focusedKey(), '2-07');
      await press('d');
      assert.equal((await page().locator('.card').count()) > 5, true);
    });

    it('E exports what is shown, and only that', async () => {
      await bench.open('normal');
      await page().locator('[data-chip="completed"]').click();
      await press('e', 'ArrowDown', 'Enter');
      const [wish] = await asked();
      assert.ok(wish?.type === 'export' && wish.tasks && wish.runs);
      assert.equal(wish.format, 'csv');
      assert.equal(wish.tasks.includes('2-01'), false);
      assert.equal(wish.tasks.includes('2-07'), true);
      assert.equal(wish.runs.length, 14, 'each attempt of what is shown');
    });
  });

  describe('waves', () => {
    it('unfold, are remembered, and fold again with the focus', async () => {
      await bench.open('normal');
      await page()
        .getByRole('button', { name: /Wave 1 Foundation/ })
        .press('Enter');
      await page().getByText('Continuous integration').waitFor();
      await page().locator('[aria-label="Fold Wave 1"]:focus').press('Enter');
      await page().locator('.slim[data-fold="1"]:focus').waitFor();
      assert.equal(await page().getByText('Continuous integration').isVisible(), false);
    });

    it('of a thousand only those near the current one are drawn, and the others can be had', async () => {
      await bench.open('deep');
      const waves = await page().locator('.wave').count();
      assert.ok(waves < 20, `${waves}`);
      await page()
        .getByRole('button', { name: /Waves 1 to/ })
        .click();
      await page().locator('.wave.open').waitFor();
    });
  });

  describe('locks', () => {
    const row = (name: string) => page().locator('.lrow', { hasText: name });

    it('a break asks for a reason and takes no empty one; a release asks nothing', async () => {
      await bench.open('normal', { tab: 'locks' });
      await row('src/posting/reverse.ts').focus();
      await press('Enter');
      await press('Enter');
      assert.deepEqual(await asked(), [], 'no reason, no break');
      await page().keyboard.type('its holder went home');
      await press('Enter');
      await row('src/api/ledger.ts').focus();
      await press('Enter', 'o');
      assert.deepEqual(await asked(), [
        { type: 'break', store: ledgerStore, lock: 'lck_rev', reason: 'its holder went home' },
        { type: 'release', store: ledgerStore, lock: 'lck_api' },
        { type: 'reveal', store: ledgerStore, lock: 'lck_api' },
      ]);
    });

    it('arrows walk the locks, and a lock that goes leaves the focus to another', async () => {
      await bench.open('normal', { tab: 'locks' });
      await page().locator('.lrow').first().focus();
      await press('ArrowDown');
      const lock = await page().evaluate(
        () => (document.activeElement as HTMLElement).dataset['lock'],
      );
      assert.equal(lock, 'lck_rev');
      await page().evaluate((of) => {
        window.page.change({ locks: [{ of, put: [], drop: ['lck_rev'] }] });
      }, ledgerStore);
      await bench.drawn();
      assert.equal(
        await page().evaluate(() => document.activeElement?.classList.contains('lrow')),
        true,
      );
    });

    it('the time left runs down by itself', async () => {
      await bench.open('normal', { tab: 'locks' });
      const left = row('src/posting/reverse.ts').locator('.left .num');
      const before = await left.textContent();
      await page().waitForFunction(
        ([text]) =>
          document.querySelector('[data-lock="lck_rev"] .left .num')?.textContent !== text,
        [before],
      );
    });
  });

  describe('events', () => {
    const first = () => page().locator('.erow').first().getAttribute('data-seq');

    it('follow at the top, and stand still when somebody reads', async () => {
      await bench.open('normal', { tab: 'events' });
      await page().locator('.erow[data-seq="4812"]').waitFor();
      await page().evaluate(() => {
        window.page.move();
      });
      await page().locator('.erow[data-seq="4813"]').waitFor();
      assert.equal(await first(), '4813');
      const list = page().locator('wl-events wl-rows');
      await list.evaluate((it) => {
        it.scrollTop = 2_200;
      });
      await bench.drawn();
      const seen = () =>
        page().evaluate(() => {
          const list = document.querySelector('wl-events wl-rows')!.getBoundingClientRect();
          return document
            .elementFromPoint(list.left + 60, list.top + 40)
            ?.closest<HTMLElement>('.erow')?.dataset['seq'];
        });
      const before = await seen();
      for (let time = 0; time < 20; time += 1)
        await page().evaluate(() => {
          window.page.move();
        });
      await bench.drawn();
      assert.equal(await seen(), before);
    });

    it('older ones come page by page to the very first', async () => {
      await bench.open('normal', { tab: 'events' });
      await page().locator('.erow[data-seq="4812"]').waitFor();
      for (let page_ = 0; page_ < 12; page_ += 1) {
        await page()
          .locator('wl-events wl-rows')
          .evaluate((it) => {
            it.scrollTop = it.scrollHeight;
          });
        await bench.drawn();
        await bench.drawn();
      }
      await page().locator('.erow[data-seq="1"]').waitFor();
      const nodes = await page().evaluate(() => document.querySelectorAll('*').length);
      assert.ok(nodes < 1_500, `${nodes}`);
    });

    it('kinds can be hidden', async () => {
      await bench.open('normal', { tab: 'events' });
      for (const kind of ['runs', 'locks', 'files', 'waves', 'other'])
        await page().locator(`[data-chip="${kind}"]`).click();
      await bench.drawn();
      const kinds = await page().locator('.erow .cell:nth-child(4)').allInnerTexts();
      assert.equal(kinds.length > 0 && kinds.every((kind) => kind.trim() === 'agent.seen'), true);
    });
  });

  describe('timeline', () => {
    it('zooms and pans by keys, and comes back to all of it', async () => {
      await bench.open('normal', { tab: 'timeline' });
      await press('3');
      assert.match((await focusedRow()) ?? '', /^run /);
      await press('+', '+', ...Array<string>(12).fill('ArrowLeft'));
      assert.equal(await page().locator('.wlt-now').count(), 0);
      await press('0');
      assert.equal(await page().locator('.wlt-now').count(), 1);
    });

    it('an attempt that is chosen shows its details and keeps the keyboard; Enter goes there', async () => {
      await bench.open('normal', { tab: 'timeline' });
      await press('3', 'ArrowDown', ' ');
      const row = await focusedRow();
      await page().locator('.drawer h2').waitFor();
      assert.equal(await focusedRow(), row);
      await press('Enter');
      assert.equal(await page().evaluate(() => document.activeElement?.localName), 'h2');
      await press('Escape');
      assert.equal(await focusedRow(), row);
    });

    it('hides the attempts of a state that is filtered out', async () => {
      await bench.open('normal', { tab: 'timeline' });
      const rows = page().locator('[data-row^="run "]');
      const before = await rows.count();
      await page().locator('[data-chip="completed"]').click();
      await bench.drawn();
      assert.ok((await rows.count()) < before);
    });
  });

  describe('graph', () => {
    it('a node that is clicked is chosen in the tree too, and its details are seen', async () => {
      await bench.open('normal', { tab: 'graph' });
      await page()
        .locator('.wlg-canvas')
        .click({ position: { x: 120, y: 90 } });
      const title = (await page().locator('.drawer h2').textContent()) ?? '';
      const key = /\d-\d\d/.exec(title)?.[0];
      assert.equal(await focusedRow(), `run ${key}`);
      assert.equal(
        await page().locator(`[data-row="run ${key}"]`).getAttribute('aria-selected'),
        'true',
      );
    });

    it('keys walk the nodes, zoom, and open details; Escape comes back', async () => {
      await bench.open('normal', { tab: 'graph' });
      await press('2');
      const first = await focusedRow();
      await press('ArrowDown');
      const second = await focusedRow();
      assert.notEqual(second, first);
      const zoom = () => page().locator('.wlg-zoom').textContent();
      const before = await zoom();
      await press('+');
      assert.notEqual(await zoom(), before);
      await press('Enter');
      assert.equal(await page().evaluate(() => document.activeElement?.localName), 'h2');
      await press('Escape');
      assert.equal(await focusedRow(), second);
      assert.equal(await page().locator('.drawer').count(), 0);
    });

    it('is as it was left after a reload: zoom, place, and whether it is a tree', async () => {
      await bench.open('normal', { tab: 'graph' });
      await press('2', '+', 'T');
      await page().waitForFunction(() => JSON.stringify(window.page.saved).includes('"tree":true'));
      const zoom = await page().locator('.wlg-zoom').textContent();
      await page().reload();
      await page().locator('.wlg-shown').waitFor();
      assert.equal(await page().locator('.wlg-zoom').textContent(), zoom);
    });
  });

  it('comes back after a reload as it was left: tab, item, wave, scroll', async () => {
    await bench.open('many');
    await page()
      .locator('.wave.current wl-rows')
      .evaluate((it) => {
        it.scrollTop = 4_800;
      });
    // While it scrolls, the row below the mouse may be another when the button comes up.
    await page().waitForFunction(() => JSON.stringify(window.page.saved).includes('4800'));
    await bench.drawn();
    await page().mouse.click(400, 600);
    const before = await page().locator('.drawer h2').textContent();
    await page().reload();
    await page().locator('.drawer h2').waitFor();
    assert.equal(await page().locator('.drawer h2').textContent(), before);
    await page().waitForFunction(
      () => document.querySelector('.wave.current wl-rows')?.scrollTop === 4_800,
    );
  });

  it('what was remembered by another version, or by nobody, does no harm', async () => {
    await bench.open('normal');
    await page().evaluate(() => {
      sessionStorage.setItem('saved', JSON.stringify({ v: 0, tab: 'nonsense', hidden: 3 }));
    });
    await page().reload();
    await page().locator('.card').first().waitFor();
  });

  it('several workflows are chosen between, and several stores told apart', async () => {
    await bench.open('mixed');
    await page().getByRole('alert').filter({ hasText: 'site' }).waitFor();
    await page().getByRole('combobox', { name: 'Workflow' }).selectOption({ index: 1 });
    await page().getByText('Store failed', { exact: true }).waitFor();
    await page().getByText('Choose a generator').waitFor();
  });

  it('runs outside of workflows are shown too', async () => {
    await bench.open('outside');
    await page().getByText('Regenerate the API client').waitFor();
  });
});
