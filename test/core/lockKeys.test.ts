/** What a resource names, and which two can mean the same thing (KEY-n). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockArea, LockKey } from '../../src/core/model';
import { globMatches, literalPrefix } from '../../src/core/rules/globs';
import { areaOf, overlap, parseKey, sameKey, type KeyPlace } from '../../src/core/rules/lockKeys';

const main: KeyPlace = { worktree: '', shared: false, caseFold: false };
const folding: KeyPlace = { ...main, caseFold: true };

function key(resource: string, place: Partial<KeyPlace> = {}): LockKey {
  const parsed = parseKey(resource, { ...main, ...place });
  if ('problem' in parsed) assert.fail(`${resource}: ${parsed.problem}`);
  return parsed;
}

function problem(resource: string, place = main): string {
  const parsed = parseKey(resource, place);
  return 'problem' in parsed ? parsed.problem : assert.fail(`${parsed.resource} is a resource`);
}

const meets = (one: string, other: string): boolean => overlap(key(one), key(other));

describe('KEY: resources', () => {
  it('KEY-1 tells path, symbol, glob, task and workspace apart', () => {
    const kinds = ['src/a.ts', 'src/a.ts#f', 'glob:src/*.ts', 'task:1-2.b', 'workspace'];
    assert.deepEqual(
      kinds.map((resource) => key(resource)),
      [
        { resource: 'src/a.ts', kind: 'path', anchor: 'src/a.ts', worktree: '' },
        { resource: 'src/a.ts#f', kind: 'symbol', anchor: 'src/a.ts', worktree: '' },
        { resource: 'glob:src/*.ts', kind: 'glob', anchor: 'src', worktree: '' },
        { resource: 'task:1-2.b', kind: 'task', anchor: 'task:1-2.b', worktree: null },
        { resource: 'workspace', kind: 'workspace', anchor: '', worktree: '' },
      ],
    );
  });

  it('KEY-1 anything else is no resource, and says why', () => {
    assert.match(problem(''), /names no file/);
    assert.match(problem('.'), /names no file/);
    assert.match(problem('glob:'), /names no file/);
    assert.match(problem('src/'), /glob:src\/\*\*/);
    assert.match(problem('task:'), /not a task id/);
    assert.match(problem('task:a b'), /not a task id/);
    assert.match(problem('a.ts#'), /No symbol/);
    assert.match(problem('#f'), /of no file/);
    assert.match(problem('src/#f'), /of no file/);
  });

  it('KEY-1 a folder may be called C#, a symbol may hold one, and ./ says that it is a path', () => {
    assert.equal(key('C#/a.cs').kind, 'path');
    assert.equal(key('C#/a.cs#f').anchor, 'C#/a.cs');
    assert.equal(key('a.ts#A#b').resource, 'a.ts#A#b');
    for (const name of ['./workspace', './task:1', './glob:a']) {
      assert.equal(key(name).kind, 'path');
      assert.equal(key(name).resource, name);
      assert.equal(key(name).anchor, name.slice(2));
    }
    assert.equal(key('./a.ts').resource, 'a.ts');
  });

  it('KEY-2 resolves . and .., joins slashes of both kinds, and normalises', () => {
    for (const text of ['src/a.ts', './src//a.ts', 'src/x/../a.ts', 'src\\a.ts', 'src/./a.ts'])
      assert.equal(key(text).resource, 'src/a.ts');
    assert.equal(key('cafe\u0301.ts').resource, 'caf\u00e9.ts');
    assert.equal(key('glob:./src/x/../*.ts').resource, 'glob:src/*.ts');
  });

  it('KEY-2 never leaves the workspace', () => {
    for (const text of ['/etc', '../a', 'a/../../b', '\\a', 'C:\\a', 'c:a', './c:a', 'glob:/a/*'])
      assert.match(problem(text), /leaves the workspace/);
    assert.match(problem('glob:*/../a'), /No \.\. may follow/);
  });

  it('KEY-2 folds where the file system folds, one character for one', () => {
    assert.equal(key('Src/A.ts', folding).resource, 'src/a.ts');
    assert.equal(key('Src/A.ts').resource, 'Src/A.ts');
    assert.ok(sameKey(key('STRASSE ÄΣ', folding), key('strasse äς', folding)));
    assert.equal(key('ß', folding).resource, 'ß');
    assert.ok(overlap(key('glob:SRC/[A-Z]*', folding), key('src/abc', folding)));
    assert.equal(key('Workspace', folding).resource, './workspace');
  });

  it('KEY-3 a file meets its symbols; two symbols of it do not meet', () => {
    assert.ok(meets('a.ts', 'a.ts'));
    assert.ok(meets('a.ts', 'a.ts#f'));
    assert.ok(meets('a.ts#f', 'a.ts#f'));
    assert.ok(!meets('a.ts#f', 'a.ts#g'));
    assert.ok(!meets('a.ts', 'b.ts#f'));
    assert.ok(!meets('a.ts', 'b.ts'));
  });

  it('KEY-4 a glob meets the paths and symbols that it matches, and no others', () => {
    for (const one of ['src/a.ts', 'src/a.ts#f']) {
      assert.ok(meets('glob:src/*.ts', one));
      assert.ok(!meets('glob:src/*.js', one));
      assert.ok(!meets('glob:*.ts', one));
    }
    assert.ok(meets('glob:src/**', 'src'));
  });

  it('KEY-4 every form of a glob matches as it is documented', () => {
    const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
      ['a*c', ['ac', 'abc', 'abbc'], ['a/c', 'ab', 'xac']],
      ['a?c', ['abc', 'a😀c'], ['ac', 'a/c', 'abbc']],
      ['**/a', ['a', 'x/a', 'x/y/a'], ['xa', 'a/x']],
      ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb']],
      ['a/**', ['a', 'a/b', 'a/b/c'], ['ab', 'b']],
      ['a**b', ['ab', 'axb', 'ax/yb'], ['a', 'b']],
      ['[abc]', ['a', 'b', 'c'], ['d', 'ab', '']],
      ['[a-c]x', ['ax', 'bx'], ['dx', '-x']],
      ['[c-a]', ['b'], ['d']],
      ['[!a]', ['b'], ['a', '/']],
      ['[^a]', ['b'], ['a', '/']],
      ['[]a]', [']', 'a'], ['b']],
      ['[*]', ['*'], ['a']],
      ['{a,b}.ts', ['a.ts', 'b.ts'], ['c.ts', '.ts', 'ab.ts']],
      ['{a,b{c,d}}', ['a', 'bc', 'bd'], ['b', 'ac']],
      ['{src,test/x}/*', ['src/a', 'test/x/a'], ['test/a']],
      ['a{,b}', ['a', 'ab'], ['b']],
      ['{a', ['{a'], ['a']],
      ['a}b,c', ['a}b,c'], ['a']],
      ['[a', ['[a'], ['a']],
      ['[]', ['[]'], ['', ']']],
      ['a.b', ['a.b'], ['axb']],
    ];
    for (const [glob, yes, no] of cases) {
      for (const path of yes) assert.ok(globMatches(glob, path), `${glob} matches ${path}`);
      for (const path of no) assert.ok(!globMatches(glob, path), `${glob} spares ${path}`);
    }
  });

  it('KEY-5 two globs meet unless their literal prefixes are disjoint', () => {
    assert.ok(!meets('glob:src/*.ts', 'glob:test/*.ts'));
    assert.ok(meets('glob:src/*.ts', 'glob:src/*.js'));
    assert.ok(meets('glob:src/*.ts', 'glob:**'));
    assert.ok(meets('glob:src/a*', 'glob:src/abc/*'));
    assert.equal(literalPrefix('src/a{b,c}'), 'src/a');
    assert.equal(literalPrefix('src'), 'src');
  });

  it('KEY-7 workspace meets everything, a task itself and workspace only', () => {
    for (const one of ['a', 'a#f', 'glob:*', 'task:1', 'workspace'])
      assert.ok(meets('workspace', one));
    assert.ok(meets('task:1', 'task:1'));
    for (const one of ['task:2', 'glob:**', './task:1', './task:1#f'])
      assert.ok(!meets('task:1', one));
  });

  it('KEY-8 worktrees keep to themselves, unless shared; tasks span all', () => {
    const there = { worktree: 'w' };
    assert.ok(!overlap(key('a'), key('a', there)));
    assert.ok(!overlap(key('workspace'), key('workspace', there)));
    assert.ok(overlap(key('a'), key('a', { ...there, shared: true })));
    assert.ok(overlap(key('task:1'), key('task:1', there)));
    assert.ok(overlap(key('workspace', there), key('task:1')));
    assert.ok(!sameKey(key('a'), key('a', { shared: true })));
  });
});

/* ------------------------------------------------------------------ for any text */

/** Everything of the text that may be left after a beginning that matches; slow, and no program. */
function restsAfter(glob: string, path: string, isWhole = true): string[] {
  if (glob === '') return [path];
  const [word, rests] = firstWord(glob, path, isWhole);
  const after = glob.slice(word.length);
  return [...new Set(rests.flatMap((rest) => restsAfter(after, rest, isWhole)))];
}

function firstWord(glob: string, path: string, isWhole: boolean): [string, string[]] {
  const suffixes = (text: string): string[] => [
    ...Array.from(text, (_, index) => text.slice(index)),
    '',
  ];
  const [first = ''] = path;
  const rest = path.slice(first.length);
  if (isWhole && glob === '/**') return [glob, [path, ...(first === '/' ? suffixes(rest) : [])]];
  if (glob.startsWith('**/'))
    return [
      '**/',
      [path, ...suffixes(path).flatMap((at) => (at.startsWith('/') ? at.slice(1) : []))],
    ];
  if (glob.startsWith('**')) return ['**', suffixes(path)];
  if (glob.startsWith('*')) {
    const folder = suffixes(path.split('/')[0]!);
    return ['*', folder.map((at) => at + path.slice(path.split('/')[0]!.length))];
  }
  if (glob.startsWith('?')) return ['?', first === '' || first === '/' ? [] : [rest]];
  const set = /^\[([!^]?)([^][^\]]*)\]/.exec(glob);
  if (set) {
    const isIn = new RegExp(`[${set[2]!.replaceAll(/[\\\]^[]/g, '\\$&')}]`).test(first);
    const fits = first !== '' && first !== '/' && isIn === (set[1] === '');
    return [set[0], fits ? [rest] : []];
  }
  const braces = bracesAt(glob);
  if (braces)
    return [braces.word, braces.choices.flatMap((choice) => restsAfter(choice, path, false))];
  return [glob[0]!, glob.startsWith(first) && first !== '' ? [rest] : []];
}

function bracesAt(glob: string): { word: string; choices: string[] } | null {
  if (!glob.startsWith('{')) return null;
  const choices = [''];
  let depth = 0;
  const words = glob.match(/\[[!^]?[^][^\]]*\]|[^]/g)!;
  for (const [index, word] of words.entries()) {
    if (word === '}' && depth === 1) return { word: words.slice(0, index + 1).join(''), choices };
    if (word === '{') depth += 1;
    if (word === '}') depth -= 1;
    if (word === ',' && depth === 1) choices.push('');
    else if (index > 0) choices.push(`${choices.pop()!}${word}`);
  }
  return null;
}

const pathText = fc.string({ unit: fc.constantFrom('a', 'b', '/', ']', ','), maxLength: 7 });
const globText = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '*', '**', '?', '[a]', '[!b]', '[', ']', '{', '}', ','),
  maxLength: 8,
});
const segment = fc.constantFrom('a', 'b', 'ab', 'A', 'é', 'C#', 'a.ts');
const somePath = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/').replace(/#$/, ''));
const resource = fc.oneof(
  somePath,
  fc.tuple(somePath, fc.constantFrom('f', 'g')).map(([path, symbol]) => `${path}#${symbol}`),
  fc
    .tuple(somePath, fc.constantFrom('*', '**', '?', '[ab]', '{a,b}', '/**', '/*', '**/a'))
    .map(([path, wild]) => `glob:${path}${wild}`),
  fc.constantFrom('glob:*', 'glob:**', 'glob:a', 'glob:{a,b}/*', 'workspace', 'task:1', 'task:2'),
  fc.tuple(fc.constantFrom('', 'glob:'), globText).map((parts) => parts.join('')),
);
const place = fc.record({
  worktree: fc.constantFrom('', 'w'),
  shared: fc.boolean(),
  caseFold: fc.constant(false),
});
const anyKey = fc
  .tuple(resource, place)
  .map(([text, where]) => parseKey(text, where))
  .filter((parsed): parsed is LockKey => !('problem' in parsed));

const nasty = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom(
      '..',
      '.',
      '/',
      '\\',
      '//',
      'a',
      'C:',
      '#',
      '\0',
      '\ud800',
      'e\u0301',
      'ß',
      'İ',
      'Σ',
      '\u0345',
      '*',
      '{',
      'glob:',
      'task:',
      'workspace',
    ),
    maxLength: 12,
  }),
);
const nastyPlace = fc.record({
  worktree: fc.constantFrom('', 'w'),
  shared: fc.boolean(),
  caseFold: fc.boolean(),
});

/** As the store looks: nothing outside the area is ever compared. */
function isInside(
  { worktree, at, under }: LockArea,
  { anchor, worktree: theirs }: LockKey,
): boolean {
  const isBelow = under !== null && (under === '' || `${anchor}/`.startsWith(`${under}/`));
  return (
    (worktree === null || theirs === null || worktree === theirs) &&
    (at.includes(anchor) || isBelow)
  );
}

describe('KEY: for any text', () => {
  it('KEY-2 parsing is total, stays inside, and what it made it makes again', () => {
    fc.assert(
      fc.property(nasty, nastyPlace, (text, where) => {
        const parsed = parseKey(text, where);
        if ('problem' in parsed) return;
        assert.deepEqual(parseKey(parsed.resource, where), parsed);
        const path = parsed.resource.replace(/^(glob:|\.\/)/, '');
        assert.ok(!path.split('/').includes('..'), path);
        assert.doesNotMatch(path, /^\/|\\|^[A-Za-z]:|\/\/|\/$/);
        assert.equal(path, path.normalize('NFC'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('KEY-2 ten thousand characters take no time', () => {
    const began = performance.now();
    for (const unit of ['a', '/', '../', 'a/', '*', '{', '[', '{a,', '**/', 'a*', '[a', '?']) {
      const text = unit.repeat(10_000 / unit.length);
      parseKey(text, folding);
      globMatches(text.slice(0, 1_000), 'a'.repeat(1_000));
      globMatches(text, 'a/b');
    }
    assert.ok(performance.now() - began < 2_000);
  });

  it('KEY-4 a pattern that makes others search for ever is answered', () => {
    const began = performance.now();
    assert.ok(!globMatches(`${'{a,a}*'.repeat(30)}b`, 'a'.repeat(1_000)));
    assert.ok(!globMatches(`${'**/'.repeat(50)}b`, 'a/'.repeat(500)));
    assert.ok(performance.now() - began < 1_000);
  });

  it('KEY-4 a glob matches what a plain search over all ways matches', () => {
    fc.assert(
      fc.property(globText, pathText, (glob, path) => {
        assert.equal(globMatches(glob, path), restsAfter(glob, path).includes(''));
      }),
      { numRuns: 5_000 },
    );
  });

  it('KEY-4 a glob meets every path that it matches', () => {
    fc.assert(
      fc.property(resource, somePath, (text, path) => {
        const glob = parseKey(text, main);
        fc.pre(!('problem' in glob) && glob.kind === 'glob');
        const matched = restsAfter(glob.resource.slice('glob:'.length), path).includes('');
        if (matched) assert.ok(overlap(glob, key(path)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('KEY-5 two globs that match one path meet', () => {
    fc.assert(
      fc.property(globText, globText, pathText, (one, other, path) => {
        const first = parseKey(`glob:${one}`, main);
        const second = parseKey(`glob:${other}`, main);
        fc.pre(!('problem' in first) && !('problem' in second));
        const both = [first, second].every((glob) =>
          globMatches(glob.resource.slice('glob:'.length), path),
        );
        if (both) assert.ok(overlap(first, second));
      }),
      { numRuns: 5_000 },
    );
  });

  it('KEY-6 to meet is symmetric, and every key meets itself', () => {
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        assert.ok(overlap(one, one));
        assert.equal(overlap(one, other), overlap(other, one));
      }),
      { numRuns: 3_000 },
    );
  });

  it('KEY-6 two keys that meet lie in the area of each other', () => {
    let met = 0;
    fc.assert(
      fc.property(anyKey, anyKey, (one, other) => {
        if (!overlap(one, other)) return;
        met += 1;
        assert.ok(isInside(areaOf(one), other), 'the other lies in the area of the one');
        assert.ok(isInside(areaOf(other), one), 'the one lies in the area of the other');
      }),
      { numRuns: 10_000 },
    );
    assert.ok(met > 500, `only ${met} pairs met`);
  });
});
