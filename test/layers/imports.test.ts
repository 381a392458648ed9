/** The house rule: imports go one way, and only the surfaces know the editor. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** What the files of a room may import: other rooms by their path, packages by name. First match counts. */
const rooms: readonly { room: string; may: readonly string[] }[] = [
  { room: 'src/core/', may: ['src/core/', 'zod/mini'] },
  { room: 'src/workflow/', may: ['src/workflow/', 'src/core/'] },
  { room: 'src/shared/', may: ['src/shared/', 'zod/mini'] },
  {
    room: 'src/store/',
    may: [
      'src/store/',
      'src/core/',
      'src/workflow/',
      'src/shared/lifecycle',
      'node:',
      'proper-lockfile',
    ],
  },
  {
    room: 'src/tools/mcp/',
    may: [
      'src/tools/mcp/',
      'src/tools/runnerStore',
      'src/core/',
      'node:',
      'zod/mini',
      '@modelcontextprotocol/server',
    ],
  },
  {
    room: 'src/tools/',
    may: ['src/tools/', 'src/store/', 'src/core/', 'src/shared/', 'node:', 'commander'],
  },
  {
    room: 'src/ui/',
    may: [
      'src/ui/',
      'src/store/',
      'src/workflow/',
      'src/core/',
      'src/shared/',
      // What both show before they change it.
      'src/tools/connect',
      'node:',
      'vscode',
      'zod/mini',
    ],
  },
  { room: 'src/extension.ts', may: ['src/ui/', 'src/shared/', 'node:', 'vscode'] },
  // Looks at Node's version before anything else may be loaded.
  {
    room: 'src/cli.ts',
    may: ['src/store/sqlite/available', 'src/tools/commandWord', './cliMain.js', 'node:'],
  },
  { room: 'src/mcp.ts', may: ['src/tools/mcp/'] },
  { room: 'src/cliMain.ts', may: ['src/tools/', 'package.json'] },
  { room: 'src/cliQuick.ts', may: ['src/tools/', 'package.json', 'zod/mini'] },
  { room: 'webview/controls.ts', may: ['@vscode/webview-ui-toolkit'] },
  {
    room: 'webview/',
    may: ['webview/', 'src/shared/', 'zod/mini', 'lit', '@tanstack/virtual-core'],
  },
];

interface Source {
  readonly path: string;
  readonly text: string;
}

function violations({ path, text }: Source): string[] {
  const rule = rooms.find(({ room }) => path.startsWith(room));
  if (!rule) return [`${path} belongs to no room`];
  return importsOf(text)
    .map((specifier) => (specifier.startsWith('.') ? resolved(path, specifier) : specifier))
    .filter((target) => !rule.may.some((allowed) => target === allowed || within(target, allowed)))
    .map((target) => `${path} may not import ${target}`);
}

function within(target: string, allowed: string): boolean {
  return target.startsWith(
    allowed.endsWith('/') || allowed.endsWith(':') ? allowed : `${allowed}/`,
  );
}

function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statements = /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
  const calls = /\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(statements), ...code.matchAll(calls)].map((match) => match[1] ?? '');
}

function resolved(path: string, specifier: string): string {
  if (specifier === './cliMain.js') return specifier;
  return posix.normalize(posix.join(dirname(path), specifier));
}

function sources(): Source[] {
  return ['src', 'webview'].flatMap((top) =>
    readdirSync(top, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => posix.join(top, name.replaceAll('\\', '/')))
      .map((path) => ({ path, text: readFileSync(join(path), 'utf8') })),
  );
}

describe('layers: imports go one way', () => {
  it('holds for every file', () => {
    const all = sources();
    assert.ok(all.length > 30, `only ${all.length} sources found`);
    assert.deepEqual(all.flatMap(violations), []);
  });

  it('finds an import of vscode in the core', () => {
    const path = 'src/core/rules/waves.ts';
    const text = `import * as vscode from 'vscode';\n${readFileSync(path, 'utf8')}`;
    assert.deepEqual(violations({ path, text }), [`${path} may not import vscode`]);
  });

  it('finds the core reaching for the store, also by a lazy import', () => {
    const text = "const store = await import('../store/store');";
    assert.deepEqual(violations({ path: 'src/core/views.ts', text }), [
      'src/core/views.ts may not import src/store/store',
    ]);
  });

  it('finds the toolkit outside its module', () => {
    const text = "import { vsCodeButton } from '@vscode/webview-ui-toolkit';";
    assert.equal(violations({ path: 'webview/board.ts', text }).length, 1);
    assert.equal(violations({ path: 'webview/controls.ts', text }).length, 0);
  });

  it('finds a file without a room', () => {
    assert.deepEqual(violations({ path: 'src/helpers.ts', text: '' }), [
      'src/helpers.ts belongs to no room',
    ]);
  });
});
