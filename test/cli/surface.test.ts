/** Every command that is promised is there: in the help, in the completion of each shell, and in docs/cli.md. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wavelock } from './wavelock';

/** With the flags that scripts were promised. */
const promised: Readonly<Record<string, readonly string[]>> = {
  init: ['--name', '--from'],
  status: [],
  validate: [],
  advance: ['--force', '--reason'],
  'task set': ['--status', '--commit', '--files', '--error'],
  'note add': [],
  undo: ['--token'],
  'run create': [
    '--title',
    '--task',
    '--parent',
    '--depends-on',
    '--priority',
    '--timeout',
    '--max-attempts',
    '--count',
  ],
  'run claim': ['--run', '--workflow', '--wait', '--lease'],
  'run heartbeat': ['--token'],
  'run complete': ['--token', '--result'],
  'run fail': ['--token', '--error'],
  'run cancel': ['--reason'],
  'run kill': ['--reason'],
  'run retry': ['--reason'],
  'run await': ['--any', '--all', '--timeout', '--attempt'],
  'run list': ['--status', '--workflow', '--limit'],
  'run show': ['--depth'],
  'run next': [],
  'run diff': ['--copy'],
  'lock acquire': ['--read', '--write', '--ttl', '--wait', '--shared'],
  'lock release': ['--all'],
  'lock list': [],
  'lock verify': ['--hash'],
  'lock break': ['--reason'],
  'agent register': ['--name'],
  'agent list': [],
  'agent leave': ['--force'],
  'backup list': [],
  'backup restore': ['--preview'],
  'conflict list': [],
  'conflict show': [],
  'conflict resolve': ['--mine', '--theirs', '--merged'],
  log: ['--since', '--follow'],
  export: ['--format'],
  exec: ['--task', '--title', '--report'],
  worker: ['--exec', '--concurrency', '--interval'],
  guard: ['--staged'],
  'config get': [],
  'config set': [],
  doctor: [],
  metrics: [],
  mcp: [],
  'store verify': [],
  'store backup': [],
  'store restore': [],
  'store copy': [],
};
const globals = ['--json', '--cwd', '--agent', '--store', '--op-id', '--no-color'];

describe('cli: what is promised', function () {
  this.timeout(120_000);
  const here = { cwd: process.cwd() };

  it('stands in the help, with its flags', async () => {
    const top = (await wavelock(here, '--help')).out;
    for (const flag of globals) assert.ok(top.includes(flag), flag);
    for (const [command, flags] of Object.entries(promised)) {
      const [noun = ''] = command.split(' ');
      assert.match(top, new RegExp(`^ {2}${noun}\\b`, 'm'), command);
      const { code, out } = await wavelock(here, ...command.split(' '), '--help');
      assert.equal(code, 0, command);
      assert.match(out, new RegExp(`^Usage: wavelock ${command}\\b`), command);
      for (const flag of flags) assert.ok(out.includes(flag), `${command} ${flag}`);
    }
  });

  it('stands in docs/cli.md, each with an example and its JSON', () => {
    const document = readFileSync('docs/cli.md', 'utf8');
    for (const [command, flags] of Object.entries(promised)) {
      const part = document.split(/^### /m).find((text) => text.startsWith(`\`${command}\`\n`));
      assert.ok(part, `docs/cli.md has no part on ${command}`);
      assert.match(part, new RegExp(`wavelock .*${command}`), command);
      if (!['exec', 'worker', 'mcp'].includes(command)) assert.match(part, /```json\n/, command);
      for (const flag of flags) assert.ok(part.includes(flag), `${command} ${flag}`);
    }
    for (const flag of globals) assert.ok(document.includes(`\`${flag}`), flag);
  });

  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`is completed by ${shell}, whose script is sound`, async function () {
      const { out } = await wavelock(here, 'completion', shell);
      for (const [command, flags] of Object.entries(promised)) {
        for (const word of command.split(' ')) assert.ok(out.includes(word), command);
        for (const flag of flags) assert.ok(out.includes(flag.slice(2)), `${command} ${flag}`);
      }
      const folder = mkdtempSync(join(tmpdir(), 'wavelock-'));
      try {
        const script = join(folder, 'script');
        writeFileSync(script, out);
        const checked = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
        // Not every machine has every shell; those there are are tried for real below.
        if (checked.error) this.skip();
        assert.equal(checked.stderr, '');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  /** What a shell offers for the last of the words; undefined where the machine has no such shell. */
  type Completer = (script: string, words: readonly string[]) => string[] | undefined;
  const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');
  const run = (shell: string, args: readonly string[]): string[] | undefined => {
    const { stdout, error } = spawnSync(shell, args, { encoding: 'utf8' });
    return error ? undefined : stdout.split('\n').filter((word) => word !== '');
  };
  const completers: Readonly<Record<string, Completer>> = {
    bash: (script, words) =>
      run('bash', [
        '--norc',
        '-c',
        `${script}\nCOMP_WORDS=(${quoted(words)})\nCOMP_CWORD=${words.length - 1}\n_wavelock\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
      ]),
    // As zsh calls it, with what it would show said instead; it does the matching itself.
    zsh: (script, words) =>
      run('zsh', [
        '-f',
        '-c',
        `compdef() { :; }\n_files() { :; }\n_describe() { print -rl -- "\${(@P)2}"; }\n${script}\nwords=(${quoted(words)})\nCURRENT=\${#words}\n_wavelock`,
      ])
        ?.map((line) => line.replace(/:.*/, ''))
        .filter((word) => word.startsWith(words.at(-1) ?? '')),
    fish: (script, words) =>
      run('fish', [
        '--no-config',
        '-c',
        `${script}\ncomplete -C ${quoted([words.join(' ')])}`,
      ])?.map((line) => line.replace(/\t.*/, '')),
  };

  for (const [shell, complete] of Object.entries(completers)) {
    it(`is completed by ${shell} where one types: commands, flags, and the values that there are`, async function () {
      const { out } = await wavelock(here, 'completion', shell);
      const offered = (...words: string[]): string[] => {
        const found = complete(out, words);
        if (found === undefined) this.skip();
        return found;
      };
      assert.deepEqual(offered('wavelock', 'loc'), ['lock']);
      assert.deepEqual(offered('wavelock', 'und'), ['undo']);
      assert.deepEqual(offered('wavelock', 'run', 'cl'), ['claim']);
      assert.deepEqual(offered('wavelock', '--cwd', 'run', 'lock', 'acq'), ['acquire']);
      assert.deepEqual(offered('wavelock', 'run', 'claim', '--le'), ['--lease']);
      assert.deepEqual(offered('wavelock', 'export', '--format', 'm'), ['markdown', 'mermaid']);
    });
  }
});
