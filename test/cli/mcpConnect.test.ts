/** `wavelock connect`: what it changes in files of others, and what it leaves. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { agentNames, planConnect } from '../../src/tools/connect';
import { launchByName } from '../../src/tools/connectCommand';
import { withMember } from '../../src/tools/jsonMember';
import { Workbench } from '../contract/stores';
import { wavelock, type Result } from './wavelock';

const server = { command: 'wavelock', args: ['mcp'] };
const path = ['mcpServers', 'wavelock'];
const edited = (text: string): string => {
  const result = withMember(text, path, server);
  assert.notEqual(result.how, 'unreadable', JSON.stringify(result));
  return result.how === 'unreadable' ? '' : result.text;
};

describe('connect: one member of a JSON text', () => {
  const entry = (indent: string, unit: string): string =>
    [
      `${indent}"wavelock": {`,
      `${indent}${unit}"command": "wavelock",`,
      `${indent}${unit}"args": [`,
      `${indent}${unit}${unit}"mcp"`,
      `${indent}${unit}]`,
      `${indent}}`,
    ].join('\n');

  it('goes after the others, in their manner; all the rest stays', () => {
    const before = `{\n    // Ours\n    "mcpServers": {\n        "a": { "command": "a" } // first\n        /* last */\n    },\n    "x": [1, 2,],\n}\n`;
    assert.equal(
      edited(before),
      before.replace('} // first', `}, // first\n${entry('        ', '    ')}`),
    );
  });

  it('follows a comma too many, and keeps one there', () => {
    const before = `{\n\t"mcpServers": {\n\t\t"a": {},\n\t},\n}`;
    assert.equal(edited(before), before.replace('{},', `{},\n${entry('\t\t', '\t')},`));
  });

  it('goes into objects that are empty, missing, or on one line', () => {
    assert.equal(
      edited('{"mcpServers":{"a":1}}'),
      `{"mcpServers":{"a":1, "wavelock": ${JSON.stringify(server)}}}`,
    );
    assert.equal(edited('{ "mcpServers": {} }'), `{ "mcpServers": {\n${entry('  ', '  ')}\n} }`);
    assert.equal(
      edited('{"x":1}'),
      `{"x":1, "mcpServers": ${JSON.stringify({ wavelock: server })}}`,
    );
    for (const empty of ['', '\n', '\ufeff']) {
      const text = edited(empty);
      assert.deepEqual(JSON.parse(text.replace('\ufeff', '')), {
        mcpServers: { wavelock: server },
      });
      assert.equal(text.startsWith('\ufeff'), empty === '\ufeff');
    }
  });

  it('keeps the line ends that the text has', () => {
    const text = edited('{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n');
    assert.doesNotMatch(text, /[^\r]\n/);
  });

  it('that is there already stays as it is, with what people have added to it', () => {
    const text = `{"mcpServers": {"wavelock": {"args": ["mcp"], "command": "wavelock", "env": {"A": "1"}}}}`;
    assert.deepEqual(withMember(text, path, server), { how: 'unchanged', text });
    assert.deepEqual(withMember(edited('{"a":1}'), path, server).how, 'unchanged');
  });

  it('that says something else is replaced, and nothing around it', () => {
    const text = `{"mcpServers": {"wavelock": {"command": "old"}, "b": 1 /* c */}}`;
    const after = edited(text);
    assert.ok(
      after.startsWith(`{"mcpServers": {"wavelock": {`) && after.endsWith(`}, "b": 1 /* c */}}`),
    );
    assert.doesNotMatch(after, /old/);
  });

  it('of what cannot be read nothing is changed, and it is said in which line', () => {
    for (const [text, why] of [
      ['{\n"a": 1\n"b": 2}', /comma is missing in line 3/],
      ['[]', /\{ is missing in line 1/],
      ['{"mcpServers": 5}', /mcpServers is not an object/],
      ['{"a": tru}', /value is missing/],
      ['{"a": "x', /quotes/],
      ['{} {}', /follows/],
      [`{"a":${'['.repeat(5_000)}`, /deeply/],
      ['{"a": /* open', /missing/],
    ] as const) {
      const result = withMember(text, path, server);
      assert.match(result.how === 'unreadable' ? result.why : result.how, why);
    }
  });

  it('any JSON object holds afterwards what it held, and the member', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 2, '\t'),
        (object, space) => {
          fc.pre(!Object.hasOwn(object, '__proto__'));
          const known = { ...object };
          delete known['mcpServers'];
          const after = JSON.parse(edited(JSON.stringify(known, null, space))) as object;
          assert.deepEqual(after, {
            ...JSON.parse(JSON.stringify(known)),
            mcpServers: { wavelock: server },
          });
        },
      ),
    );
  });
});

describe('connect: the plan', () => {
  const plan = (files: Record<string, string>, ...agents: (typeof agentNames)[number][]) =>
    planConnect(agents, (file) => files[file], launchByName);

  it('of every agent names a configuration and rules; a second time changes nothing', () => {
    const first = plan({}, ...agentNames);
    assert.deepEqual(
      first.files.map(({ file, change }) => `${change} ${file}`),
      [
        'create .mcp.json',
        'create CLAUDE.md',
        'create .cursor/mcp.json',
        'create AGENTS.md',
        'create .vscode/mcp.json',
        'create .codex/config.toml',
        'create .gemini/settings.json',
        'create GEMINI.md',
      ],
    );
    assert.deepEqual(
      first.paste.map(({ agent, file }) => [agent, file]),
      [['windsurf', '~/.codeium/windsurf/mcp_config.json']],
    );
    const written = Object.fromEntries(first.files.map(({ file, after }) => [file, after]));
    for (const { file, change } of plan(written, ...agentNames).files)
      assert.equal(change, 'none', file);
  });

  it('each file of an agent says what that agent reads', () => {
    const written = Object.fromEntries(
      plan({}, ...agentNames).files.map(({ file, after }) => [file, after]),
    );
    const parsed = (file: string): unknown => JSON.parse(written[file] ?? '');
    for (const file of ['.mcp.json', '.cursor/mcp.json', '.gemini/settings.json'])
      assert.deepEqual(parsed(file), { mcpServers: { wavelock: server } });
    assert.deepEqual(parsed('.vscode/mcp.json'), {
      servers: { wavelock: { type: 'stdio', ...server } },
    });
    assert.equal(
      written['.codex/config.toml'],
      '[mcp_servers.wavelock]\ncommand = "wavelock"\nargs = ["mcp"]\n',
    );
  });

  it('rules go between their marks, and only what is between them is ever replaced', () => {
    const { files } = plan({ 'CLAUDE.md': 'Mine.\r\n' }, 'claude');
    const rules = files.find(({ file }) => file === 'CLAUDE.md')?.after ?? '';
    assert.ok(rules.startsWith('Mine.\r\n\r\n<!-- wavelock:begin -->\r\n'));
    assert.doesNotMatch(rules, /[^\r]\n/);
    const old = 'A\n<!-- wavelock:begin -->\nold\n<!-- wavelock:end -->\nB';
    const renewed = plan({ 'CLAUDE.md': old }, 'claude').files[1]?.after ?? '';
    assert.match(renewed, /^A\n<!-- wavelock:begin -->\n## Working[^]*\n<!-- wavelock:end -->\nB$/);
    const half = plan({ 'CLAUDE.md': 'A\n<!-- wavelock:begin -->\nold\n' }, 'claude');
    assert.deepEqual([half.files.length, half.paste[0]?.file], [1, 'CLAUDE.md']);
  });

  it('rules go to AGENTS.md where the file of the agent only points there', () => {
    const { files } = plan({ 'CLAUDE.md': '@AGENTS.md\n', 'AGENTS.md': 'Hi.\n' }, 'claude');
    assert.deepEqual(
      files.map(({ file, change }) => `${change} ${file}`),
      ['create .mcp.json', 'edit AGENTS.md'],
    );
  });

  it('a table of TOML is added at the end; another one of its name is somebody’s choice', () => {
    const before = 'model = "x"\n\n[mcp_servers.other]\ncommand = "o"';
    const [config] = plan({ '.codex/config.toml': before }, 'codex').files;
    assert.equal(
      config?.after,
      `${before}\n\n[mcp_servers.wavelock]\ncommand = "wavelock"\nargs = ["mcp"]\n`,
    );
    for (const taken of [
      '[mcp_servers.wavelock]\ncommand = "mine"\n',
      '[mcp_servers]\nwavelock = { command = "mine" }\n',
      'mcp_servers = {}\n',
      'mcp_servers.wavelock.command = "mine"\n',
      'x = """\n',
    ]) {
      const { files, paste } = plan({ '.codex/config.toml': taken }, 'codex');
      assert.deepEqual([files.length, paste[0]?.file], [0, '.codex/config.toml'], taken);
    }
  });
});

describe('connect: the command', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());
  const connect = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder }, 'connect', ...args);
  const text = (name: string): string => readFileSync(join(bench.folder, name), 'utf8');

  it('--preview shows the change and makes none; without it the same is made', async () => {
    bench.write('.mcp.json', '{\n  "mcpServers": {}\n}\n');
    if (process.platform !== 'win32') chmodSync(join(bench.folder, '.mcp.json'), 0o600);
    const preview = await connect('claude', '--preview', '--json');
    assert.equal(preview.code, 0);
    assert.equal(text('.mcp.json'), '{\n  "mcpServers": {}\n}\n');
    assert.ok(!existsSync(join(bench.folder, 'CLAUDE.md')));
    const made = await connect('claude', '--json');
    assert.deepEqual({ ...made.document, preview: true }, preview.document);
    assert.deepEqual(JSON.parse(text('.mcp.json')), { mcpServers: { wavelock: server } });
    assert.match(text('CLAUDE.md'), /claim_run/);
    if (process.platform !== 'win32')
      assert.equal(statSync(join(bench.folder, '.mcp.json')).mode & 0o777, 0o600);
    const { out } = await connect('claude');
    assert.match(
      out,
      /\.mcp\.json {2}has it already\nCLAUDE\.md {2}has it already\nConnected Claude Code/,
    );
    assert.ok(!existsSync(join(bench.folder, '.wavelock')), 'it needs no store');
  });

  it('without names connects those that are used here; none, and it says which there are', async () => {
    const none = await connect('--json');
    assert.equal(none.code, 1);
    assert.match(JSON.stringify(none.document), /claude, cursor/);
    mkdirSync(join(bench.folder, '.cursor'));
    const { document } = await connect('--json');
    assert.deepEqual(document['agents'], ['cursor']);
    assert.ok(existsSync(join(bench.folder, '.cursor', 'mcp.json')));
  });

  it('a file that cannot be read is left alone with all others, and what to paste is told', async () => {
    bench.write('.mcp.json', '{ "mcpServers": ');
    const { code, document } = await connect('claude', 'cursor', '--json');
    assert.equal(code, 1);
    assert.equal((document['refusal'] as { code: string }).code, 'bad_input');
    const [paste] = document['paste'] as { file: string; text: string }[];
    assert.equal(paste?.file, '.mcp.json');
    assert.deepEqual(JSON.parse(paste.text), { mcpServers: { wavelock: server } });
    assert.equal(text('.mcp.json'), '{ "mcpServers": ');
    assert.ok(!existsSync(join(bench.folder, '.cursor')));
  });

  it('a link that leads out of the folder is left alone; one that stays is followed', async function () {
    if (process.platform === 'win32') this.skip();
    const other = new Workbench();
    try {
      other.write('theirs.json', '{}');
      symlinkSync(join(other.folder, 'theirs.json'), join(bench.folder, '.mcp.json'));
      assert.equal((await connect('claude')).code, 1);
      symlinkSync(join(other.folder, 'nothing'), join(bench.folder, '.cursor'));
      assert.equal((await connect('cursor')).code, 1);
      assert.equal(readFileSync(join(other.folder, 'theirs.json'), 'utf8'), '{}');
      bench.write('AGENTS.md', 'Hi.\n');
      symlinkSync('AGENTS.md', join(bench.folder, 'GEMINI.md'));
      assert.equal((await connect('gemini')).code, 0);
      assert.match(text('AGENTS.md'), /^Hi\.\n\n<!-- wavelock:begin -->/);
    } finally {
      await other.clear();
    }
  });

  it('an agent that there is not is refused', async () => {
    assert.equal((await connect('hal', '--json')).code, 1);
  });
});
