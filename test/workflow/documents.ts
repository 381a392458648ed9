/** Texts that people may write, and some that nobody should: for properties that hold of any workflow file. */
import fc from 'fast-check';

/** Ends of line, mixed or not; an empty one glues two lines together. */
const endOfLine = fc.oneof(
  { weight: 8, arbitrary: fc.constant('\n') },
  { weight: 4, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\r', ' \n', '\t\n', '\n\n', '  \r\n') },
);

export const saying = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('A', 'Write it', 'Écrire — 文档', 'اكتب', '👩‍🚀 ship', 'é'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['**bold**: x', '`code`', '[x]', '| a | b |', '- [ ] inner', '<!-- open', '-->', '```'],
      ...['# no heading', '## Failed', 'a, b', '~~~', '>', '(3 tasks)', 'Wave 2', '`', '``a`'],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
);

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e-1', 'f.2', 'g_3', 'H', 'not an id', '');
const indent = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 4, arbitrary: fc.constantFrom('  ', '    ') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '   ', '\t', '      ') },
);

const task = fc
  .tuple(
    indent,
    fc.constantFrom('- ', '- ', '- ', '* ', '+ ', '-\t', '-'),
    fc.constantFrom('[ ]', '[ ]', '[x]', '[~]', '[!]', '[X]', '[-]', '[y]', '[]'),
    fc.constantFrom<(id: string, text: string) => string>(
      (name, text) => ` **${name}**: ${text}`,
      (name, text) => ` **${name}:** ${text}`,
      (name, text) => ` ${name}: ${text}`,
      (name) => ` ${name}`,
    ),
    id,
    saying,
  )
  .map(([before, bullet, box, put, name, text]) => before + bullet + box + put(name, text));

const detail = fc
  .tuple(
    fc.constantFrom('  ', '  ', '    ', ' ', '\t', ''),
    fc.constantFrom('Commit', 'Files', 'Error', 'Depends', 'Depends on', 'Why'),
    fc.oneof(fc.constantFrom('`abc`', 'a, b', 'a.ts, `b,c.ts`, d (+2 more)', ''), saying),
  )
  .map(([before, label, text]) => `${before}- ${label}: ${text}`);

const heading = fc.constantFrom(
  ...['## ✅ Completed (1 tasks)', '## 🔄 In Progress (2 tasks)', '## 📋 Pending (3 tasks)'],
  ...['## ❌ Failed (0 tasks)', '## Completed', '## Pending', '## Failed (1 task)', '  ## Pending'],
  ...['### Wave 1', '### Wave 1', '### Wave 2', '### Wave 2: more', '### Wave 3', '   ### Wave 2'],
  ...[
    '## Notes',
    '## Notes',
    '## Metadata',
    '### Wave',
    '### Wave 99',
    '#### deeper',
    '## Mine',
    '# Top',
  ],
);

const other = fc.constantFrom(
  ...['', '', '', '', 'text', '  more text', '- item', '  - [ ] step', '    - [x] step', '1. one'],
  ...[
    '```',
    '```md',
    '~~~',
    '  ```',
    '   ```',
    '    ```',
    '<!--',
    '-->',
    '  <!-- in',
    '<!-- x -->',
  ],
  ...['---', '> quoted', '| a | b |', '\t', '***', '**Status:** Wave 9/9', '**Updated:** now'],
);

const body = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 6, arbitrary: task },
        { weight: 4, arbitrary: detail },
        { weight: 3, arbitrary: heading },
        { weight: 4, arbitrary: other },
        { weight: 1, arbitrary: saying },
      ),
      endOfLine,
    ),
    { maxLength: 24 },
  )
  .map((lines) => lines.map(([line, end]) => line + end).join(''));

const fields = ['**Started:** 2026-11-20 09:00:00', '**Updated:** 2026-11-20 10:00:00', '---'];

/** A native file that has an id and a status line; what follows is anything at all. */
export const nativeText = fc
  .record({
    bom: fc.constantFrom('', '', '', '\uFEFF'),
    eol: fc.constantFrom('\n', '\n', '\r\n', '\r'),
    wave: fc.nat(3),
    header: fc.subarray([
      ...fields,
      '**Progress:** `██████████░░░░░░░░░░` 50%',
      '',
      '',
      '# Workflow: W',
    ]),
    section: fc.oneof({ weight: 5, arbitrary: heading }, { weight: 1, arbitrary: fc.constant('') }),
    body,
    end: fc.constantFrom('', '', '\n', '\r\n', '   ', '\n\n\n'),
  })
  .map(({ bom, eol, wave, header, section, body: text, end }) =>
    [
      `${bom}**Status:** Wave ${wave}/3  `,
      '**Workflow ID:** `w`',
      ...header,
      section,
      text + end,
    ].join(eol),
  )
  // Zero bytes make a file unreadable; that has a test of its own.
  .map((text) => text.replaceAll('\0', ''));

/** The seed of a campaign is printed by whoever fails; `WAVELOCK_SEED` repeats it. */
export function runs(short: number, long: number): fc.Parameters<unknown> {
  const seed = process.env['WAVELOCK_SEED'];
  return {
    numRuns: process.env['WAVELOCK_CAMPAIGN'] === '1' ? long : short,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}

/** Lines with their ends of line. */
export function linesOf(text: string): string[] {
  return text.split(/(?<=\r\n|\n|\r(?!\n))/);
}
