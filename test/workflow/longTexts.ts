/** Texts of any length for STATE.md that a careless reader looks at again and again. */
/** Of a valid file, up to its first section. */
export const HEADER = [
  '# Workflow: Ship it',
  '',
  '**Workflow ID:** `ship`',
  '**Status:** Wave 1/2',
  '**Started:** 2026-11-20 09:00:00',
  '**Updated:** 2026-11-20 10:00:00',
  '',
  '---',
  '',
  '**Progress:** `██████████░░░░░░░░░░` 50%',
  '',
];

const head = [...HEADER, '## Pending', '### Wave 1', ''].join('\n');

const times = (count: number, of: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => of(i)).join('');

export const longTexts: Readonly<Record<string, (size: number) => string>> = {
  'tasks that wait for each other in a ring': (size) =>
    head +
    times(
      size / 32,
      (i) => `- [ ] t${i}: T\n  - Depends: t${(i + 1) % Math.floor(size / 32)}, t0\n`,
    ),
  'tasks that are all the same': (size) => head + '- [x] a: A\n'.repeat(size / 11),
  'one line of dependencies': (size) => `${head}- [ ] a: A\n  - Depends: ${'a,'.repeat(size / 2)}`,
  'empty lines': (size) => head + '\n'.repeat(size),
  'carriage returns': (size) => head + '\r'.repeat(size),
  'code fences': (size) => head + '```\n'.repeat(size / 4),
  'conflict markers': (size) => head + '<<<<<<< a\n'.repeat(size / 10),
  ...Object.fromEntries(
    [' ', '\t', '#', '-', '- [', '- [ ] ', '**', '`', '█', '9', '(', '\0', '\uFEFF', '😀'].map(
      (piece) => [
        `one line of ${JSON.stringify(piece)}`,
        (size: number) => head + piece.repeat(size / piece.length),
      ],
    ),
  ),
  'a status with a long number': (size) => head.replace('Wave 1/2', `Wave ${'1'.repeat(size)}x`),
  'a long progress': (size) => head.replace('50%', '5'.repeat(size)),
  'a section with a long count': (size) =>
    `${head}\n## Pending (${' '.repeat(size / 2)}${'1'.repeat(size / 2)}`,
  'a wave with a long number': (size) => `${head}\n### Wave ${'1'.repeat(size)}x`,
};
