/** `wavelock mcp`, asked by the client of the official SDK, in both ways that there are to open a connection. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientOptions } from '@modelcontextprotocol/client';
import type { RunRow } from '../../src/core/model';
import { tools } from '../../src/tools/mcp/tools';
import type { Store } from '../../src/store/store';
import { stateMd, Workbench } from '../contract/stores';
import { Party } from './party';
import { Running } from './running';
import { wavelock, type Result } from './wavelock';

const inBothWays: readonly { readonly way: string; readonly options: ClientOptions }[] = [
  { way: 'a client of 2025', options: {} },
  { way: 'a client of 2026', options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } },
];

describe('mcp', () => {
  let bench: Workbench;
  let store: Store;
  const parties: Party[] = [];
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(async () => {
    await Promise.all(parties.splice(0).map((party) => party.close()));
    await bench.clear();
  });

  const open = async (
    options: ClientOptions & { readonly env?: Record<string, string> } = {},
  ): Promise<Party> => {
    const party = await Party.open(bench.folder, options);
    parties.push(party);
    return party;
  };
  const cli = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder, env: { WAVELOCK_AGENT: 'ann' } }, ...args, '--json');
  const runs = async (): Promise<readonly RunRow[]> => (await store.read('state', {})).runs;
  const head = (): Promise<number> => store.read('head', {});

  for (const { way, options } of inBothWays) {
    describe(way, () => {
      it('is told of every tool, with schemas and annotations', async () => {
        const { client } = await open(options);
        const { tools: listed } = await client.listTools();
        assert.deepEqual(
          listed.map(({ name }) => name),
          tools.map(({ name }) => name),
        );
        for (const tool of listed) {
          assert.equal(tool.inputSchema.type, 'object', tool.name);
          assert.equal(tool.inputSchema['additionalProperties'], false, tool.name);
          assert.match(JSON.stringify(tool.outputSchema), /"required":\["v","ok"/, tool.name);
          assert.equal(tool.annotations?.openWorldHint, false, tool.name);
          assert.ok((tool.description ?? '').length > 40, tool.name);
        }
      });

      it('hears of a transition that was made elsewhere, of what it asked for and nothing else', async () => {
        const party = await open(options);
        const created = (await cli('run', 'create', '--title', 'one')).document;
        const other = (await cli('run', 'create', '--title', 'other')).document;
        const [uri, quiet] = [created, other].map(
          ({ runs: made }) => `wavelock://run/${(made as { id: string }[])[0]?.id ?? ''}`,
        );
        assert.ok(uri !== undefined && quiet !== undefined);
        if (options.versionNegotiation === undefined) await party.client.subscribeResource({ uri });
        else await party.client.listen({ resourceSubscriptions: [uri] });
        await cli('run', 'cancel', quiet.slice('wavelock://run/'.length));
        assert.equal((await cli('run', 'claim', '--run', uri.slice(15))).code, 0);
        await party.hears(uri);
        assert.deepEqual([...new Set(party.updated)], [uri]);
        const { contents } = await party.client.readResource({ uri });
        const [content] = contents as { text: string }[];
        const shown = await cli('run', 'show', uri.slice(15));
        assert.deepEqual(JSON.parse(content?.text ?? ''), shown.document);
      });
    });
  }

  it('a tool answers with the very document of the command line', async () => {
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ', ' '], [' ']] }));
    const party = await open();
    await party.granted('advance_wave');
    await party.granted('create_runs', {
      title: 'extra',
      priority: -1,
      maxAttempts: 3,
      timeout: '1h',
    });
    for (const [tool, args, command] of [
      ['workflow_status', {}, ['status']],
      ['workflow_status', { workflow: 'wf' }, ['status', '--workflow', 'wf']],
      ['list_runs', {}, ['run', 'list']],
      [
        'list_runs',
        { status: ['queued'], limit: 2 },
        ['run', 'list', '--status', 'queued', '--limit', '2'],
      ],
      ['next_run', {}, ['run', 'next']],
      [
        'await_runs',
        { runs: ['run_0000000000'] },
        ['run', 'await', 'run_0000000000', '--timeout', '50s'],
      ],
      [
        'heartbeat_run',
        { run: 'run_0000000000', token: 't' },
        ['run', 'heartbeat', 'run_0000000000', '--token', 't'],
      ],
      [
        'set_task',
        { task: 'nobody', status: 'done' },
        ['task', 'set', 'nobody', '--status', 'done'],
      ],
      ['advance_wave', {}, ['advance']],
    ] as const) {
      // Who speaks for the first time is registered, which is an event as well.
      const at = 0;
      const { document } = await party.call(tool, { ...args });
      const same = (await cli(...command)).document;
      assert.deepEqual({ ...document, at }, { ...same, at }, tool);
    }
  });

  it('a run goes from its making to its end, and the file says so', async () => {
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ', ' ']] }));
    const party = await open();
    await party.granted('advance_wave');
    const { run, token } = await party.granted('claim_run');
    const { id, task, agent } = run as { id: string; task: string; agent: string };
    assert.match(agent, /^mcp:a-client:[0-9a-f]{4}$/);
    assert.equal((await party.granted('heartbeat_run', { run: id, token }))['directive'], null);
    const done = await party.granted('complete_run', {
      run: id,
      token,
      result: { ok: ['yes', -1] },
    });
    assert.deepEqual((done['run'] as RunRow).result, { ok: ['yes', -1] });
    assert.equal(await party.refused('complete_run', { run: id, token }), 'invalid_transition');
    const second = await party.granted('claim_run');
    const { id: other } = second['run'] as { id: string };
    await party.granted('fail_run', {
      run: other,
      token: second['token'],
      error: '--force it broke',
    });
    assert.equal(
      (await runs()).find((row) => row.id === other)?.error?.message,
      '--force it broke',
    );
    const again = await party.granted('retry_run', { run: other, reason: 'once more' });
    await party.granted('cancel_run', { run: (again['run'] as RunRow).id });
    assert.equal(await party.refused('await_runs', { runs: [other] }), 'run_failed');
    await party.granted('set_task', {
      task: '1-2',
      status: 'done',
      files: ['a b.ts', 'c.ts'],
      commit: 'abc',
    });
    await party.granted('add_note', { text: 'to be taken back' });
    const { undone } = await party.granted('undo');
    assert.equal((undone as { text: string }).text, 'to be taken back');
    await party.granted('add_note', { text: '--json is a note' });
    const text = readFileSync(join(bench.folder, 'STATE.md'), 'utf8');
    assert.match(text, new RegExp(`\\[x\\] \\*\\*${task}\\*\\*`));
    assert.match(text, /Files: a b\.ts, c\.ts/);
    assert.match(text, /--json is a note/);
    assert.doesNotMatch(text, /to be taken back/);
  });

  it('arguments of every wrong type are refused by name, and nothing has happened', async () => {
    const party = await open();
    const before = await head();
    const wrong: readonly unknown[] = [null, 7, -1.5, 'zzz zzz', true, [], [1], {}, { a: [] }];
    let tried = 0;
    for (const tool of tools) {
      const known = Object.keys(tool.input.shape);
      const unknown = await party.call(tool.name, { nonsense: 1 });
      assert.match(JSON.stringify(unknown.document), /bad_input/, tool.name);
      for (const name of known) {
        for (const value of wrong) {
          if (tool.input.safeParse({ [name]: value }).success) continue;
          const { document, isError } = await party.call(tool.name, { [name]: value });
          const { code } = document['refusal'] as { code: string };
          assert.deepEqual([isError, code], [true, 'bad_input'], `${tool.name} ${name}`);
          tried += 1;
        }
      }
    }
    assert.ok(tried > 300, `${tried} were tried`);
    assert.equal(await head(), before);
    await assert.rejects(party.client.callTool({ name: 'no_tool', arguments: {} }), /no_tool/);
  });

  it('text with escape sequences is refused where it comes in, and harmless where it goes out', async () => {
    const party = await open();
    assert.equal(await party.refused('create_runs', { title: 'a\u001b[2Jb' }), 'bad_input');
    assert.equal(await party.refused('create_runs', { title: 'a\u202eb' }), 'bad_input');
    bench.write(
      'STATE.md',
      stateMd({ wave: 0, waves: [[' ']] }).replace('**: Task', '**: \u001b[2JTask'),
    );
    const { texts } = await party.call('workflow_status');
    assert.match(texts.join(''), /\\u001b\[2JTask/);
    assert.doesNotMatch(texts.join(''), /\u001b/);
  });

  it('locks are taken, shown, verified and given back, with the documents of the command line', async () => {
    bench.write('a.txt', 'a');
    const party = await open();
    const { locks } = await party.granted('acquire_locks', { resources: ['a.txt', 'task:t1'] });
    assert.equal((locks as unknown[]).length, 2);
    const denied = await cli('lock', 'acquire', 'a.txt');
    assert.equal((denied.document['refusal'] as { code: string }).code, 'lock_denied');
    const listed = await party.granted('list_locks');
    assert.deepEqual(listed, (await cli('lock', 'list')).document);
    await party.granted('verify_locks', { resources: ['a.txt'] });
    bench.write('a.txt', 'b');
    assert.equal(await party.refused('verify_locks', { resources: ['a.txt'] }), 'conflict');
    await party.granted('release_locks', { resources: ['a.txt'] });
    await party.granted('release_locks', { all: true });
    assert.deepEqual((await store.read('state', {})).locks, []);
    for (const resources of [['../out'], ['/etc/passwd'], ['a/../../out'], ['C:\\x']]) {
      assert.equal(await party.refused('acquire_locks', { resources }), 'bad_input');
      assert.equal(
        await party.refused('acquire_locks', { resources: ['in.txt', ...resources] }),
        'bad_input',
      );
    }
    assert.deepEqual((await store.read('state', {})).locks, []);
  });

  it('resources are listed and read; one that there is not is an error', async () => {
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ']], id: 'a flow' }));
    const party = await open();
    const { resources } = await party.client.listResources();
    assert.deepEqual(
      resources.map(({ uri }) => uri),
      ['wavelock://state', 'wavelock://workflow/a%20flow'],
    );
    const { resourceTemplates } = await party.client.listResourceTemplates();
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate }) => uriTemplate),
      ['wavelock://run/{id}', 'wavelock://workflow/{id}'],
    );
    for (const { uri } of resources) {
      const { contents } = await party.client.readResource({ uri });
      const [content] = contents as { text: string; mimeType: string }[];
      assert.equal(content?.mimeType, 'application/json');
      assert.equal((JSON.parse(content.text) as { ok: boolean }).ok, true, content.text);
    }
    for (const uri of [
      'wavelock://run/run_0000000000',
      'wavelock://run/../../etc',
      'wavelock://workflow/nobody',
      'wavelock://workflow/%ff',
      'file:///etc/passwd',
    ]) {
      await assert.rejects(party.client.readResource({ uri }), uri);
    }
    await assert.rejects(party.client.subscribeResource({ uri: 'file:///etc/passwd' }));
  });

  it('looking leaves no trace: no store is made, and nobody is registered', async () => {
    const other = new Workbench();
    const party = await Party.open(other.folder);
    try {
      await party.granted('workflow_status');
      await party.granted('list_runs');
      await party.granted('next_run');
      await party.client.listResources();
      const { existsSync } = await import('node:fs');
      assert.ok(!existsSync(other.storeFolder));
    } finally {
      await party.close();
      await other.clear();
    }
  });

  it('an order to stop a run that it holds is told with the next answer', async () => {
    const party = await open();
    await party.granted('create_runs', { title: 'long' });
    const { run, token } = await party.granted('claim_run');
    const { id } = run as { id: string };
    const uri = `wavelock://run/${id}`;
    await party.client.subscribeResource({ uri });
    party.updated.length = 0;
    await cli('run', 'cancel', id);
    await party.hears(uri);
    const { texts } = await party.call('workflow_status');
    assert.match(texts[1] ?? '', new RegExp(`Run ${id}, which you hold, is to stop \\(cancel\\)`));
    await party.granted('fail_run', { run: id, token, error: 'stopped' });
    assert.equal((await party.call('workflow_status')).texts.length, 1);
  });

  it('a wait that the client gives up ends, and the server goes on', async () => {
    const party = await open();
    const { runs: made } = await party.granted('create_runs', { title: 'never' });
    const ids = (made as { id: string }[]).map(({ id }) => id);
    const giveUp = new AbortController();
    const waiting = party.client.callTool(
      { name: 'await_runs', arguments: { runs: ids, timeout: '1h' } },
      { signal: giveUp.signal },
    );
    giveUp.abort();
    await assert.rejects(waiting);
    await party.granted('list_runs');
  });

  describe('when the client has gone', () => {
    const gone = async (party: Party, lost: string): Promise<void> => {
      const left = new Promise<void>((resolve) => {
        store.subscribe(0, (events) => {
          if (events.some(({ kind, session }) => kind === lost && session !== 'none')) resolve();
        });
      });
      await party.close();
      await left;
    };

    it('what it held under a name of the server’s making is given back', async () => {
      const party = await open();
      await party.granted('create_runs', { title: 'one', maxAttempts: 2 });
      await party.granted('claim_run');
      await gone(party, 'agent.left');
      const { agents } = await store.read('state', {});
      assert.deepEqual(
        agents?.map(({ name }) => name),
        [],
      );
      assert.deepEqual(
        (await runs()).map(({ status }) => status),
        ['lost', 'queued'],
      );
    });

    it('what it held under a name of its own it keeps', async () => {
      const party = await open({ env: { WAVELOCK_AGENT: 'bob' } });
      await party.granted('create_runs', { title: 'one' });
      const { run } = await party.granted('claim_run', { lease: '10m' });
      assert.equal((run as { agent: string }).agent, 'bob');
      await gone(party, 'session.ended');
      const { agents, sessions } = await store.read('state', {});
      assert.deepEqual(
        [agents?.map(({ name, kind }) => `${kind} ${name}`), sessions],
        [['mcp bob'], []],
      );
      assert.equal((await runs())[0]?.status, 'running');
    });

    it('or the process is told to end, it exits with 0 and says nothing', async () => {
      const running = new Running({ cwd: bench.folder }, 'mcp');
      running.write(
        `${JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: {
            protocolVersion: '2025-06-18',
            capabilities: {},
            clientInfo: { name: 'x', version: '1' },
          },
        })}\n`,
      );
      await running.says(/"id":1/);
      const { code, err } = await running.signal('SIGTERM').ended;
      assert.deepEqual([code, err], [0, '']);
    });
  });

  it('what is no message is no end: the next one is answered', async () => {
    const running = new Running({ cwd: bench.folder }, 'mcp');
    running.write('this is no JSON\n{"jsonrpc":"2.0"}\n[]\n');
    running.write(`${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'ping' })}\n`);
    await running.says(/"id":7/);
    running.closeInput();
    assert.equal((await running.ended).code, 0);
  });
});
