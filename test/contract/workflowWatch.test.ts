/** The workflow files of a folder, followed wherever they are and whoever changes them. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeOf } from '../../src/store/place';
import type { WorkflowFile } from '../../src/store/workflowFile';
import { WorkflowWatch } from '../../src/ui/workflowWatch';
import { stateMd } from './stores';

describe('workflow watch', () => {
  let folder: string;
  let watch: WorkflowWatch;
  const log: string[] = [];
  const start = (): void => {
    watch = new WorkflowWatch(placeOf(folder), folder, (message) => log.push(message));
  };
  const severities = new Map<string, never>();

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-watch-')));
    log.length = 0;
  });
  afterEach(() => {
    watch.dispose();
    rmSync(folder, { recursive: true });
    assert.deepEqual(log, []);
  });

  /** Resolves with the next change after `work`; the test's own limit is the deadline. */
  function changeAfter(work: () => void): Promise<readonly WorkflowFile[]> {
    return new Promise((resolve) => {
      const listener = watch.onDidChange((changed) => {
        listener.dispose();
        resolve(changed);
      });
      work();
    });
  }
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text);
  };
  const shown = () => watch.files.map(({ file }) => file);
  const wave = (number: number) => stateMd({ wave: number, waves: [['x'], [' ']] });

  it('shows every kind that is found by its name, in the order in which they count', async () => {
    start();
    await changeAfter(() => {
      write('WAVES.md', '# Plan\n\n## Wave 1\n\n- [ ] **a**: one\n');
    });
    await changeAfter(() => {
      mkdirSync(join(folder, '.planning'));
      write('.planning/ROADMAP.md', '# Roadmap\n');
    });
    await changeAfter(() => {
      write('STATE.md', wave(1));
    });
    assert.deepEqual(shown(), ['STATE.md', '.planning/ROADMAP.md', 'WAVES.md']);
  });

  it('tells which file reads otherwise, and only that', async () => {
    write('STATE.md', wave(0));
    write('WAVES.md', '# Plan\n\n## Wave 1\n\n- [ ] **a**: one\n');
    start();
    const [, other] = watch.files;
    const changed = await changeAfter(() => {
      write('STATE.md', wave(1));
    });
    assert.deepEqual(
      changed.map(({ file }) => file),
      ['STATE.md'],
    );
    assert.equal(watch.files[1], other);
  });

  it('follows files that a setting lists, also before their folder is there', async () => {
    start();
    watch.configure({ listed: ['docs/plan.md'], severities });
    assert.deepEqual(shown(), []);
    await changeAfter(() => {
      mkdirSync(join(folder, 'docs-new'));
      write('docs-new/plan.md', wave(1));
      renameSync(join(folder, 'docs-new'), join(folder, 'docs'));
    });
    assert.deepEqual(shown(), ['docs/plan.md']);
    await changeAfter(() => {
      write('docs/plan.md', wave(2));
    });
    assert.equal(watch.files[0]?.document.plan?.wave, 2);
  });

  it('follows what a link leads to, and a file saved by renaming', async () => {
    mkdirSync(join(folder, 'docs'));
    write('docs/real.md', wave(0));
    symlinkSync('docs/real.md', join(folder, 'STATE.md'));
    start();
    await changeAfter(() => {
      write('docs/next.md', wave(1));
      renameSync(join(folder, 'docs/next.md'), join(folder, 'docs/real.md'));
    });
    assert.equal(watch.files[0]?.document.plan?.wave, 1);
  });

  it('reads .planning anew when a plan below it has changed', async () => {
    mkdirSync(join(folder, '.planning/phases/01-keel'), { recursive: true });
    write('.planning/ROADMAP.md', '# Roadmap\n\n- [ ] **Phase 1: Keel**\n');
    start();
    const changed = await changeAfter(() => {
      write('.planning/phases/01-keel/01-01-PLAN.md', '---\nphase: 1\nplan: 01\nwave: 1\n---\n');
    });
    assert.equal(changed.length, 1);
  });

  it('forgets a file that is gone', async () => {
    write('STATE.md', wave(1));
    start();
    assert.deepEqual(
      await changeAfter(() => {
        rmSync(join(folder, 'STATE.md'));
      }),
      [],
    );
    assert.deepEqual(shown(), []);
  });

  it('shows a file that cannot be read, with the reason', function () {
    if (process.getuid?.() === 0) this.skip();
    writeFileSync(join(folder, 'STATE.md'), wave(1), { mode: 0o000 });
    start();
    assert.equal(watch.files[0]?.document.problems[0]?.code, 'unreadable_file');
    log.length = 0;
  });

  it('judges problems by the settings', () => {
    write('STATE.md', wave(1).replace(/\*\*Updated:\*\*.*\n/, ''));
    start();
    const severityOf = () =>
      watch.files[0]?.document.problems.find(({ code }) => code === 'missing_updated')?.severity;
    assert.equal(severityOf(), 'warning');
    watch.configure({ listed: [], severities: new Map([['missing_updated', 'error']]) });
    assert.equal(severityOf(), 'error');
  });
});
