/** Texts that nobody should write: any at all, and those that a careless reader takes for ever with. */
import fc from 'fast-check';
import { nativeText, saying } from './documents';

export const hostilePaths = [
  'STATE.md',
  'WAVES.md',
  'plan.md',
  '.planning/ROADMAP.md',
  '.planning/phases/01-a/01-01-PLAN.md',
];

const grammar = fc.constantFrom(
  ...[
    '---',
    '...',
    'wave: 2',
    'depends_on: [',
    'depends_on: [01-01, "',
    ']',
    '- 01-01',
    'a: &a [*a]',
  ],
  ...[
    '## Wave 1',
    '## Wave 0: x ✅',
    '### Wave 999999999',
    '| ID | Status |',
    '|---|---|',
    '| a | ✅ |',
    '|',
    '||',
  ],
  ...[
    '- [ ] **a**: A',
    '- [x] a-1: A',
    '  - Depends: a, b',
    '- [',
    '### Phase 1: A',
    '**Plans:** 2/2',
  ],
  ...[
    '- [ ] 01-01-PLAN.md — x',
    '- [x] **Phase 1.1: x** -',
    '**Depends on**: Phase 1',
    'Phases 1-9 shipped',
  ],
  ...[
    '# Workflow: w',
    '**Workflow ID:** `w`',
    '**Status:** Wave 1/2',
    '## Pending (1 tasks)',
    '<!--',
    '```',
  ],
  ...[
    '<<<<<<< a',
    '=======',
    '>>>>>>> b',
    '\0',
    '\uFEFF',
    '\uD800',
    '## Notes',
    '`,`',
    '<objective>',
    '\t',
  ],
);
const jumble = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 5, arbitrary: grammar }, { weight: 1, arbitrary: saying }),
      fc.constantFrom('\n', '\r\n', '\r', '', ' '),
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => pieces.map(([piece, end]) => piece + end).join(''));
export const anything = fc.oneof(
  { weight: 6, arbitrary: jumble },
  { weight: 2, arbitrary: nativeText },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
);

export const head =
  '# Workflow: w\n**Workflow ID:** `w`\n**Status:** Wave 1/2\n## Pending\n### Wave 1\n';
export const times = (count: number, of: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => of(i)).join('');
const plan = (middle: string) => `---\nwave: 1\n${middle}\n---\n`;
/** What takes a reader that is not linear the longest; `size` is about its length. */
export const badInputs: readonly (readonly [string, (size: number) => string])[] = [
  ['tasks', (size) => head + times(size / 20, (i) => `- [ ] **t${i}**: text\n`)],
  ['rows of one task', (size) => `${head}${'- [ ] **a**: A\n'.repeat(size / 15)}`],
  ['words for ids', (size) => `${head}${'- [ ] no id at all\n'.repeat(size / 19)}`],
  ['one line', (size) => head + 'x'.repeat(size)],
  [
    'one line of backticks and commas',
    (size) => `${head}- [ ] a\n  - Files: ${'`a,``,'.repeat(size / 6)}`,
  ],
  [
    'tasks that change one file',
    (size) => head + times(size / 24, (i) => `- [ ] t${i}\n  - Files: a\n`),
  ],
  ['open comments', (size) => `${head}${'<!--\n'.repeat(size / 5)}`],
  ['nested lists', (size) => head + times(Math.sqrt(size), (i) => `${' '.repeat(i)}- [ ] a\n`)],
  [
    'rows of a table',
    (size) => `## Wave 1\n| ID | a |\n|--|--|\n${'| a | b |\n'.repeat(size / 10)}`,
  ],
  ['one row of cells', (size) => `## Wave 1\n| ID |\n|--|\n${'|a'.repeat(size / 2)}`],
  ['the same box', (size) => `## Wave 1\n${'- [ ] the same\n'.repeat(size / 15)}`],
  ['many waves', (size) => times(size / 20, (i) => `## Wave ${i}\n- [ ] a\n`)],
  ['phases', (size) => times(size / 20, (i) => `### Phase ${i}: x\n`)],
  ['plans', (size) => `### Phase 1: x\n${times(size / 20, (i) => `- [ ] 01-${i}-PLAN.md\n`)}`],
  ['a phase of spaces', (size) => `- [ ] **Phase 1${' '.repeat(size)}`],
  ['a list in brackets', (size) => plan(`depends_on: [${'a,'.repeat(size / 2)}]`)],
  ['a list in brackets over lines', (size) => plan(`depends_on: [\n${'a\n'.repeat(size / 2)}]`)],
  [
    'shipped phases',
    (size) =>
      times(size / 50, (i) => `Phases ${2 * i}-${2 * i} shipped\n`) +
      times(size / 50, (i) => `### Phase ${i}.5: x\n`),
  ],
  ['open quotation marks', (size) => plan(`depends_on: [${"x'".repeat(size / 2)}`)],
  ['a list by lines', (size) => plan(`depends_on:\n${'- "a"\n'.repeat(size / 6)}`)],
  ['aliases', (size) => plan(times(size / 10, (i) => `k${i}: *a\n`))],
  ['carriage returns', (size) => head + '\r'.repeat(size)],
];

/** Of exactly that length: pieces of any kind, each again and again, on one line or on many. */
export function largeText(size: number): fc.Arbitrary<string> {
  const piece = fc.tuple(
    anything,
    fc.constantFrom(1, 1, 3, 50, 4_000),
    fc.constantFrom('', '\n', '\r\n'),
  );
  return fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => {
    const part = pieces
      .map(([text, often, glue]) => (text + glue).repeat(often).slice(0, size))
      .join('');
    return part.repeat(Math.ceil(size / Math.max(part.length, 1))).slice(0, size);
  });
}
