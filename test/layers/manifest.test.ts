/** package.json is data that nobody compiles; these tests do. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandTitles } from '../../src/ui/commandTable';

interface Manifest {
  readonly icon: string;
  readonly activationEvents: readonly string[];
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string }[];
    readonly menus: Readonly<Record<string, readonly { command: string; when: string }[]>>;
    readonly views: Readonly<Record<string, readonly { id: string; icon: string }[]>>;
    readonly viewsWelcome: readonly { view: string; contents: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
  };
}

const text = readFileSync('package.json', 'utf8');
const manifest = JSON.parse(text) as Manifest;
const words = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Record<string, string>;

describe('layers: package.json and the code say the same', () => {
  it('contributes exactly the commands of the table, each with its title', () => {
    assert.deepEqual(
      Object.fromEntries(
        manifest.contributes.commands.map(({ command, title }) => [command, title]),
      ),
      Object.fromEntries(Object.entries(commandTitles).map(([id, key]) => [id, `%${key}%`])),
    );
    for (const { command, category } of manifest.contributes.commands) {
      assert.equal(category, 'Wavelock', command);
    }
  });

  it('has each command run for real by a test of the extension host', () => {
    const tests = readdirSync('test/hosts', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readFileSync(join('test/hosts', name), 'utf8'))
      .join('\n');
    const run = (id: string): boolean =>
      tests.includes(`'${id}'`) || tests.includes(`command('${id.replace('wavelock.', '')}'`);
    assert.deepEqual(
      Object.keys(commandTitles).filter((id) => !run(id)),
      [],
    );
  });

  it('puts only commands that exist into menus and welcome texts', () => {
    const ids = new Set(Object.keys(commandTitles));
    for (const { command } of Object.values(manifest.contributes.menus).flat()) {
      assert.ok(ids.has(command), command);
    }
    const links = Object.values(words).flatMap((word) => [
      ...word.matchAll(/command:(wavelock[\w.]+)/g),
    ]);
    for (const [, id] of links) assert.ok(ids.has(id ?? ''), id);
  });

  it('has a text for every key, and a key for every text', () => {
    const used = [...text.matchAll(/"%([\w.]+)%"/g)].map((match) => match[1]);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(words).sort());
  });

  it('names pictures that are there', () => {
    const icons = Object.values(manifest.contributes.views).flatMap((views) =>
      views.map(({ icon }) => icon),
    );
    for (const path of [manifest.icon, ...icons]) assert.ok(existsSync(path), path);
  });

  it('wakes up only where a workflow is, never for everyone', () => {
    assert.ok(!manifest.activationEvents.includes('*'));
    assert.ok(!manifest.activationEvents.includes('onStartupFinished'));
  });
});
