/** Holds docs/rules.md and docs/errors.md, the tests, and the codes in the sources together. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultCodes, refusalCodes } from '../../src/core/errors';

/** The names of tests as they are written: `it('ID …')`, also in a template. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/\bit\(\s*(['"`])(.*?)(?<!\\)\1/gs)].map(([, , title]) => title ?? '');
}

/**
 * The ids of rules that a test's name begins with: one, or several one after another. One letter and a number
 * is no rule but a case that rules are tried on, and may stand beside them.
 */
function idsOf(title: string): string[] {
  const start = /^(?:[A-Z]+-\d+\b(?:,| and)? ?)+/.exec(title)?.[0] ?? '';
  return start.match(/\b[A-Z]{2,}-\d+/g) ?? [];
}

function rulesIn(document: string): string[] {
  return [...document.matchAll(/^- \*\*([A-Z]+-\d+)\*\*/gm)].map(([, id]) => id ?? '');
}

/** Headings of the third level, below one of the second. */
function headingsBelow(document: string, section: string): string[] {
  const part = document.split(/^## /m).find((text) => text.startsWith(`${section}\n`)) ?? '';
  return [...part.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? '');
}

function testsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

const sorted = (texts: Iterable<string>): string[] => [...texts].sort();
const missing = (wanted: readonly string[], there: readonly string[]): string[] =>
  sorted(new Set(wanted.filter((text) => !there.includes(text))));

describe('rules, tests and code', () => {
  const rules = rulesIn(readFileSync('docs/rules.md', 'utf8'));
  const tested = titlesOf(testsBelow('test/core')).flatMap(idsOf);
  const errors = readFileSync('docs/errors.md', 'utf8');

  it('each rule has a test whose name begins with its id', () => {
    assert.ok(rules.length > 100, 'docs/rules.md lists the rules');
    assert.deepEqual(missing(rules, tested), []);
  });

  it('each id in a name of a test is a rule', () => {
    assert.deepEqual(missing(tested, rules), []);
  });

  it('each id is given once, and the ids of a family are counted without a gap', () => {
    assert.deepEqual(sorted(rules), sorted(new Set(rules)));
    for (const family of new Set(rules.map((id) => id.replace(/\d+$/, '')))) {
      const ids = rules.filter((id) => id.startsWith(family));
      assert.deepEqual(
        ids,
        ids.map((_, index) => `${family}${index + 1}`),
      );
    }
  });

  it('docs/errors.md explains each refusal and each fault, and nothing else', () => {
    assert.deepEqual(sorted(headingsBelow(errors, 'Refusals')), sorted(refusalCodes));
    assert.deepEqual(sorted(headingsBelow(errors, 'Faults')), sorted(faultCodes));
  });

  it('docs/errors.md says of each what to do', () => {
    for (const entry of errors.split(/^### /m).slice(1))
      assert.match(entry, /\n\n\S.+\n\n\*\*What to do:\*\* \S/, entry.split('\n')[0]);
  });

  it('reads names and ids as they are written', () => {
    const source = `it('AB-1 does', x); it(
      "AB-2, CD-3 it's", x); it(\`DE-4 \${kind} \`, x); it('R-1 AB-5 case', x); it('no AB-6', x); split('AB-7 x');`;
    const titles = titlesOf(source);
    assert.deepEqual(titles.slice(0, 2), ['AB-1 does', "AB-2, CD-3 it's"]);
    assert.deepEqual(titles.flatMap(idsOf), ['AB-1', 'AB-2', 'CD-3', 'DE-4', 'AB-5']);
    assert.deepEqual(rulesIn('- **A-1** One\n- **A-2** Two\ntext **A-3**'), ['A-1', 'A-2']);
  });
});
