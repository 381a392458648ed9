/** The command line of the official MCP inspector lists and calls every tool. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { tools } from '../../src/tools/mcp/tools';
import { stateMd, Workbench } from '../contract/stores';

const inspector = process.env['WAVELOCK_INSPECTOR'] ?? '';

describe('mcp inspector', function () {
  this.timeout(900_000);
  let bench: Workbench;
  beforeEach(function () {
    if (inspector === '') this.skip();
    bench = new Workbench();
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ']] }));
  });
  afterEach(() => (inspector === '' ? undefined : bench.clear()));

  /** It ends with a code of its own where a tool answers with an error. */
  const ask = async (...args: string[]): Promise<Record<string, unknown>> => {
    const server = [process.execPath, resolve('dist/cli.js'), 'mcp'];
    const flags = ['--cli', '--cwd', bench.folder, ...server, ...args];
    // Its own settings go to a home of its own; servers are given no environment but this.
    const env = { PATH: process.env['PATH'], HOME: bench.folder, NODE_OPTIONS: '' };
    const { stdout } = await promisify(execFile)(process.execPath, [inspector, ...flags], {
      env,
    }).catch((error: unknown) => error as { stdout: string });
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  it('lists every tool', async () => {
    const { tools: listed } = await ask('--method', 'tools/list');
    assert.deepEqual(
      (listed as { name: string }[]).map(({ name }) => name),
      tools.map(({ name }) => name),
    );
  });

  it('calls every tool, and each answers with a document', async () => {
    const needed: Record<string, string[]> = {
      register_agent: ['name=inspector'],
      heartbeat_run: ['run=run_0000000000', 'token=t'],
      complete_run: ['run=run_0000000000', 'token=t'],
      fail_run: ['run=run_0000000000', 'token=t', 'error=it broke'],
      cancel_run: ['run=run_0000000000'],
      retry_run: ['run=run_0000000000'],
      create_runs: ['title=by the inspector', 'count=2'],
      await_runs: ['runs=["run_0000000000"]', 'timeout=1s'],
      acquire_locks: ['resources=["STATE.md"]'],
      verify_locks: ['resources=["STATE.md"]'],
      release_locks: ['all=true'],
      set_task: ['task=1-1', 'status=doing'],
      add_note: ['text=hello'],
    };
    const codes: Record<string, string> = {};
    for (const { name } of tools) {
      const args = (needed[name] ?? []).flatMap((pair) => ['--tool-arg', pair]);
      const answer = await ask('--method', 'tools/call', '--tool-name', name, ...args);
      const { v, ok, refusal } = answer['structuredContent'] as {
        v: number;
        ok: boolean;
        refusal?: { code: string };
      };
      assert.equal(v, 1, name);
      codes[name] = ok ? 'ok' : (refusal?.code ?? JSON.stringify(answer));
    }
    assert.deepEqual(codes, {
      register_agent: 'ok',
      list_runs: 'ok',
      next_run: 'ok',
      claim_run: 'nothing_queued',
      heartbeat_run: 'unknown_run',
      complete_run: 'unknown_run',
      fail_run: 'unknown_run',
      cancel_run: 'unknown_run',
      retry_run: 'unknown_run',
      create_runs: 'ok',
      await_runs: 'run_failed',
      acquire_locks: 'ok',
      verify_locks: 'lock_required',
      release_locks: 'ok',
      list_locks: 'ok',
      workflow_status: 'ok',
      set_task: 'ok',
      advance_wave: 'ok',
      add_note: 'ok',
      // Each call is an agent of its own.
      undo: 'invalid_transition',
    });
  });

  it('reads a resource', async () => {
    const { contents } = await ask('--method', 'resources/read', '--uri', 'wavelock://workflow/wf');
    const [content] = contents as { text: string }[];
    assert.equal((JSON.parse(content?.text ?? '') as { ok: boolean }).ok, true);
  });
});
