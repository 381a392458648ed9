/** Workflow files as a language, in the real extension host: what the editor shows of them, and what it mends. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import { problemCodes, type ProblemCode } from '../../src/workflow/problems';
import { broken, type Example } from './problemExamples';
import { heard } from './heard';
import {
  awake,
  closeEditors,
  codesOf,
  diagnosticsOf,
  extension,
  folder,
  freshSample,
  openFile,
  putFile,
  replaceIn,
  stateFile,
  untilCodes,
  uri,
  when,
  workflowOf,
} from './workspace';

describe('workflow files in the editor', () => {
  let original = '';
  let parts: ExtensionParts;

  before(async () => {
    parts = await awake();
  });
  beforeEach(() => {
    original = freshSample();
    return putFile(parts, original);
  });
  afterEach(closeEditors);

  describe('problems', () => {
    it('follow the buffer while it is typed in, and lead to the page that explains them', async () => {
      const document = await openFile();
      await untilCodes(uri, (codes) => codes.length === 0);
      await replaceIn(document, '- Depends: 2-01\n', '- Depends: 2-99\n');
      await untilCodes(uri, (codes) => codes.includes('unknown_dependency'));
      const [problem] = diagnosticsOf(uri);
      assert.equal(document.getText(problem?.range), '2-99');
      assert.equal(problem?.severity, vscode.DiagnosticSeverity.Error);
      const code = problem.code as { target: vscode.Uri };
      const line = Number(code.target.fragment.slice(1));
      const page = readFileSync(code.target.fsPath, 'utf8').split('\n');
      assert.match(page[line - 1] ?? '', /^\| `unknown_dependency`/);
      assert.equal(readFileSync(stateFile, 'utf8'), original, 'the disk has nothing to do with it');
      await replaceIn(document, '2-99', '2-01');
      await untilCodes(uri, (codes) => codes.length === 0);
    });

    it('of a file that nobody has open are those on the disk', async () => {
      await putFile(parts, original.replace('(7 tasks)', '(8 tasks)'));
      await untilCodes(uri, (codes) => codes.includes('count_mismatch'));
    });

    it('are as grave as the settings of the store say', async () => {
      const model = parts.model.folder(folder);
      const set = (value: string | null) =>
        model?.change(({ store }) =>
          store.submit({ kind: 'config.set', key: 'validate.count_mismatch', value }),
        );
      await putFile(parts, original.replace('(7 tasks)', '(8 tasks)'));
      await untilCodes(uri, (codes) => codes.includes('count_mismatch'));
      await set('error');
      try {
        await heard(
          (listener) => vscode.languages.onDidChangeDiagnostics(listener),
          () => diagnosticsOf(uri)[0]?.severity === vscode.DiagnosticSeverity.Error,
        );
        await set('off');
        await untilCodes(uri, (codes) => codes.length === 0);
      } finally {
        await set(null);
      }
    });
  });

  describe('quick fixes', () => {
    const page = readFileSync(join(extension().extensionPath, 'docs/workflow-files.md'), 'utf8');
    const documented = new Map(
      [...page.matchAll(/^\| `([a-z_]+)`(?: \\\*)? \| \w+ \| [^|]+ \| ([^|]+) \|$/gm)].map(
        ([, code = '', fix = '']) => [code, fix.trim()],
      ),
    );

    let shown = 0;

    async function show({ file, text: example }: Example): Promise<vscode.TextDocument> {
      const path = join(folder, file);
      // One made of the one before would be somebody's save of an older content, and be merged.
      const text = example.replace('ship-examples', `ship-${(shown += 1)}`);
      if (path === stateFile) await putFile(parts, text);
      else {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
        await when(
          parts,
          () =>
            parts.model.folder(folder)?.files.some((each) => each.document.problems.length > 0) ===
            true,
        );
      }
      return openFile(path);
    }

    async function actionsFor(
      document: vscode.TextDocument,
      code: string,
    ): Promise<vscode.CodeAction[]> {
      const problem = diagnosticsOf(document.uri).find(
        (each) => typeof each.code === 'object' && each.code.value === code,
      );
      assert.ok(problem, `${code} is not shown`);
      const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        document.uri,
        problem.range,
        vscode.CodeActionKind.QuickFix.value,
      );
      return actions.filter(({ kind }) => kind?.value === 'quickfix');
    }

    after(() => {
      rmSync(join(folder, 'WAVES.md'), { force: true });
      rmSync(join(folder, '.planning'), { recursive: true, force: true });
    });

    for (const code of Object.keys(problemCodes) as ProblemCode[]) {
      const example = broken[code];
      const fixable = documented.get(code) !== '–';
      if (example === 'not in an editor') continue;
      it(`${code}: ${fixable ? 'is mended, and the result validates' : 'is for people to mend'}`, async () => {
        const document = await show(example);
        await untilCodes(document.uri, (codes) => codes.includes(code));
        const [action] = await actionsFor(document, code);
        assert.equal(
          action !== undefined,
          fixable,
          `the page says “${documented.get(code) ?? ''}”`,
        );
        if (!action?.edit) return;
        const before = codesOf(document.uri).filter((each) => each === code).length;
        assert.ok(await vscode.workspace.applyEdit(action.edit));
        await untilCodes(
          document.uri,
          (codes) => codes.filter((each) => each === code).length < before,
        );
        const left = diagnosticsOf(document.uri).filter(
          ({ severity }) => severity === vscode.DiagnosticSeverity.Error,
        );
        assert.deepEqual(
          left.map(({ message }) => message),
          [],
        );
        assert.ok(
          await document.save(),
          `not saved; on the disk:\n${readFileSync(document.uri.fsPath, 'utf8')}\nin the buffer:\n${document.getText()}`,
        );
      });
    }

    it('every fixable code has an example, and those that have none never reach an editor', () => {
      const missing = Object.entries(broken).filter(
        ([, example]) => example === 'not in an editor',
      );
      for (const [code] of missing) assert.equal(documented.get(code), '–', code);
    });

    it('all of a file at once: what can be fixed is, and the result validates', async () => {
      const text = original
        .replace('# Workflow: ', '# ')
        .replace(/\*\*Started:.*\n/, '')
        .replace(/\*\*Updated:.*\n/, '')
        .replace('33%', '80%')
        .replace('(7 tasks)', '(9 tasks)')
        .replace('- [ ] **2-03**', '- [y] **2-03**')
        .replace('- [ ] **2-04**', '- [-] **2-04**')
        .replace('Depends: 2-01, 2-02', 'Depends: 2-01, 9-99')
        .replace('**3-02**', '**3-01**');
      await putFile(parts, text);
      const document = await openFile();
      await untilCodes(uri, (codes) => codes.length >= 9);
      const [action] = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        uri,
        new vscode.Range(0, 0, document.lineCount, 0),
        'source.fixAll.wavelock',
      );
      assert.ok(action?.edit);
      await vscode.workspace.applyEdit(action.edit);
      await untilCodes(uri, (codes) => codes.length === 0);
      assert.match(document.getText(), /Reverse and correct a posted entry/);
      assert.ok(await document.save());
      await when(parts, () => workflowOf(parts)?.valid === true);
    });
  });

  describe('beside the text', () => {
    const lenses = async (): Promise<string[]> => {
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
        'vscode.executeCodeLensProvider',
        uri,
        100,
      );
      return found
        .sort((a, b) => a.range.start.line - b.range.start.line)
        .map(({ range, command }) => {
          const title = command?.title.replaceAll('\u00A0', ' ') ?? '';
          return `${range.start.line + 1}: ${title}`;
        });
    };

    it('CodeLens: the next step, progress of each wave, the run of each task', async () => {
      await openFile();
      assert.deepEqual(await lenses(), [
        '4: $(debug-step-over) Advance Wave',
        '4: Wave 1/3 · 3/3 done',
        '14: 3/3 done',
        '30: 0/4 done',
        '38: 0/3 done',
      ]);
      await vscode.commands.executeCommand('wavelock.advanceWave');
      await when(parts, () => workflowOf(parts)?.wave === 2);
      const [run] = workflowOf(parts)?.waves[1]?.tasks.map(({ run }) => run) ?? [];
      assert.ok(run);
      const shown = await lenses();
      assert.match(shown.join('\n'), /^31: \$\(circle-large-outline\) Queued/m);
      await parts.model
        .folder(folder)
        ?.change(({ store }) => store.submit({ kind: 'run.claim', run: run.id }));
      await when(parts, () => workflowOf(parts)?.waves[1]?.tasks[0]?.run?.status === 'running');
      assert.match((await lenses()).join('\n'), /\$\(play-circle\) Running · window:/);
    });

    it('CodeLens “run all” makes a run for each task that has none, in the order of their dependencies', async () => {
      await putFile(
        parts,
        original
          .replace('Wave 1/3', 'Wave 3/3')
          .replace('`██████░░░░░░░░░░░░░░` 33%', '`████████████████████` 100%')
          .replace(
            '- [ ] **3-03**: Cut over the old ledger\n',
            '- [ ] **3-03**: Cut over the old ledger\n  - Depends: 3-01\n',
          ),
      );
      await openFile();
      assert.match((await lenses()).join('\n'), /^38: \$\(run-all\) run all$/m);
      await vscode.commands.executeCommand('wavelock.runWave', { path: stateFile, wave: 3 });
      await when(
        parts,
        () =>
          workflowOf(parts)?.waves[2]?.tasks.every(({ run }) => run?.status === 'queued') === true,
      );
      const [first, , third] = workflowOf(parts)?.waves[2]?.tasks ?? [];
      assert.deepEqual(third?.run?.dependsOn, [first?.run?.id]);
      assert.doesNotMatch((await lenses()).join('\n'), /run all/);
    });

    it('CodeLens can be switched off', async () => {
      await openFile();
      const settings = vscode.workspace.getConfiguration('wavelock');
      await settings.update('codeLens.enabled', false, vscode.ConfigurationTarget.Workspace);
      try {
        assert.deepEqual(await lenses(), []);
      } finally {
        await settings.update('codeLens.enabled', undefined, vscode.ConfigurationTarget.Workspace);
        rmSync(join(folder, '.vscode'), { recursive: true, force: true });
      }
    });

    it('hover: what is known of a task, where it is named', async () => {
      const document = await openFile();
      const at = document.positionAt(document.getText().indexOf('Depends: 2-01, 2-02') + 9);
      const text = await hoverAt(at);
      assert.match(text, /^\*\*2-01\*\* Post journal entries atomically/m);
      assert.match(text, /wave 2 · 0\/4 done/);
    });

    it('hover: what a file says is text, and never a link, a picture or a command', async () => {
      const evil =
        '[run](command:workbench.action.quit) ![x](https://e.vil/p.png) <img src=x> $(flame) https://e.vil/ \u202Eabc';
      await putFile(parts, original.replace('Trial balance report', evil));
      const document = await openFile();
      const line = document.positionAt(document.getText().indexOf('**3-01**')).line;
      const [hover] = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        uri,
        new vscode.Position(line, 20),
      );
      const [markdown] = hover?.contents as vscode.MarkdownString[];
      assert.ok(markdown);
      assert.equal(markdown.isTrusted ?? false, false);
      assert.equal(markdown.supportHtml ?? false, false);
      assert.doesNotMatch(markdown.value, /\]\(|[^\\]<|\$\\?\(flame|:\\?\/|\u202E/);
      assert.match(markdown.value, /workbench/);
      assert.match(await hoverAt(new vscode.Position(line, 20)), /\[run\]\(command:workbench/);
    });

    async function hoverAt(position: vscode.Position): Promise<string> {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        uri,
        position,
      );
      const ours = hovers.flatMap(({ contents }) => contents as vscode.MarkdownString[]);
      // What is escaped reads as it is shown.
      return ours
        .map(({ value }) => value.replaceAll('&nbsp;', ' ').replace(/\\([^\w\s])/g, '$1'))
        .join('\n');
    }

    it('outline: sections, waves and tasks, as they stand in the file', async () => {
      await openFile();
      const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
        'vscode.executeDocumentSymbolProvider',
        uri,
      );
      const text = (nodes: readonly vscode.DocumentSymbol[], depth: number): string =>
        nodes
          .map(({ name, children, range }) => {
            const lines = `${range.start.line + 1}-${range.end.line + 1}`;
            return `${'  '.repeat(depth)}${name} ${lines}\n${text(children, depth + 1)}`;
          })
          .join('');
      const outline = text(symbols, 0);
      assert.match(
        outline,
        / {2}✅ Completed \(3 tasks\) 12-25\n {4}Wave 1 14-25\n {6}1-01 15-17\n {6}1-02 19-21\n/,
      );
      assert.match(outline, / {4}Wave 3 38-41\n/);
    });

    it('folding: a task with what is written below it', async () => {
      await openFile();
      const ranges = await vscode.commands.executeCommand<vscode.FoldingRange[]>(
        'vscode.executeFoldingRangeProvider',
        uri,
      );
      assert.ok(
        ranges.some(({ start, end }) => start === 14 && end === 16),
        JSON.stringify(ranges),
      );
    });

    it('completion: ids that the task may wait for, and no other', async () => {
      const document = await openFile();
      await replaceIn(document, '  - Depends: 2-01, 2-02', '  - Depends: 2-01, ');
      const at = document.positionAt(document.getText().indexOf('Depends: 2-01, \n') + 15);
      const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        uri,
        at,
        ',',
      );
      const labels = items.flatMap(({ label, kind }) =>
        kind === vscode.CompletionItemKind.Reference
          ? [typeof label === 'string' ? label : label.label]
          : [],
      );
      assert.ok(
        labels.includes('2-02') && labels.includes('1-01') && labels.includes('3-01'),
        labels.join(),
      );
      assert.ok(!labels.includes('2-04'), 'itself');
      assert.ok(!labels.includes('2-01'), 'what is there already');
      const elsewhere = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        uri,
        new vscode.Position(1, 0),
      );
      assert.ok(
        !elsewhere.items.some(({ label }) => typeof label === 'object' && label.label === '2-02'),
      );
    });

    it('completion: none that would close a circle', async () => {
      const document = await openFile();
      // 2-02 waits for 2-01, and 2-04 for both.
      await replaceIn(
        document,
        'Post journal entries atomically',
        'Post journal entries atomically\n  - Depends: ',
      );
      const at = document.positionAt(document.getText().indexOf('  - Depends: \n') + 13);
      const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        uri,
        at,
      );
      const labels = items.map(({ label }) => (typeof label === 'string' ? label : label.label));
      assert.ok(labels.includes('2-03'));
      assert.ok(!labels.includes('2-02') && !labels.includes('2-04'), labels.join());
    });

    it('language status: the format, what is written, what keeps it from being in sync', async () => {
      await openFile();
      const { status } = parts.language;
      assert.deepEqual(status.shown, {
        format: 'Workflow file — read and written',
        sync: 'In sync with the store',
      });
      await putFile(parts, original.replace('**Status:** Wave 1/3', '**Status:** soon'));
      await heard(
        (listener) => vscode.languages.onDidChangeDiagnostics(listener),
        () => status.shown.sync === 'Sync suspended — the file has errors',
      );
    });
  });

  it('“Validate Workflow File” opens it, and the problems if there are any', async () => {
    await putFile(parts, original.replace('33%', '34%'));
    await vscode.commands.executeCommand('wavelock.validateWorkflowFile', uri);
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, stateFile);
    await untilCodes(uri, (codes) => codes.join() === 'progress_mismatch');
  });
});
