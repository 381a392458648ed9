/** Reading a workflow file, problems and all, against what a Markdown parser takes for the same text alone. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import type { WorkflowDocument } from '../src/workflow/document';
import { readWorkflow } from '../src/workflow/reader';
import { badInputs, hostilePaths, largeText } from '../test/workflow/hostileTexts';
import { longTexts } from '../test/workflow/longTexts';
import { inTurn, median, most, type Bench, type Law } from './bench';
import { packages } from './drain';

const MB = 1_048_576;
/** `WAVELOCK_CAMPAIGN=1` for the long form, `WAVELOCK_SEED` repeats it. */
const fuzzed = process.env['WAVELOCK_CAMPAIGN'] === '1' ? 100_000 : 300;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 1_000_000);
/** What is slow once may have met the collector; what is slow each time is ours. */
const repeats = 6;
const withIt = packages !== undefined;

/** Tasks as people write them, with details, in as many bytes as asked for. */
function stateMd(size: number): string {
  const lines = ['# Workflow: Large', '', '**Workflow ID:** `large`', '**Status:** Wave 1/9'];
  lines.push(
    '**Started:** 2026-11-20 09:00:00',
    '**Updated:** 2026-11-20 09:00:00',
    '',
    '## Pending',
  );
  let length = 0;
  for (let task = 0; length < size; task += 1) {
    const added = [
      ...(task % 50 === 0 ? ['', `### Wave ${1 + (Math.floor(task / 50) % 9)}`] : []),
      `- [${task % 3 === 0 ? 'x' : ' '}] **task-${task}**: Write the *part* of \`module ${task}\` that was left`,
      `  - Commit: \`${(task * 7919).toString(16)}\``,
      `  - Files: src/part${task}.ts, test/part${task}.test.ts`,
      '',
    ];
    for (const line of added) length += line.length + 1;
    lines.push(...added);
  }
  return lines.join('\n').slice(0, size);
}

/** Of a warm engine, the best of several: both sides alike are spared its compiling. */
function took(work: () => void): number {
  let best = Infinity;
  for (let turn = 0; turn < 12; turn += 1) {
    best = Math.min(best, cpu(work));
  }
  return best;
}

/**
 * Garbage makes one large text dearer than its share: what it keeps is copied by the collector until it counts as old,
 * while a small document has died before. Ten small ones that are kept cost the same as a large one, if reading is
 * linear: that is the law. Ten times one alone is shown with a limit of its own.
 */
const laws: Law[] = [
  {
    what: 'as long as ten documents of 1 MB that are kept: reading is linear',
    row: 'Wavelock, 10 MB',
    over: 'median',
    of: (figure) => figure('Wavelock, 10 MB', 'ms') / figure('Wavelock, 10 × 1 MB kept', 'ms'),
    atMost: 1.3,
  },
  {
    what: 'as long as one document of 1 MB, with the collector of garbage',
    row: 'Wavelock, 10 MB',
    over: 'median',
    of: (figure) => figure('Wavelock, 10 MB', 'ms') / figure('Wavelock, 1 MB', 'ms'),
    atMost: 18,
  },
  {
    what: `the slowest of ${fuzzed.toLocaleString('en')} random texts of 256 KB and of all bad ones, in ms, at its best of ${repeats}`,
    row: 'fuzz, slowest',
    over: 'most',
    of: (figure) => figure('fuzz, slowest', 'ms'),
    atMost: 50,
  },
  {
    what: 'of all bad and long inputs, how much longer four times as much takes at most',
    row: 'bad inputs, growth',
    over: 'most',
    of: (figure) => figure('bad inputs, growth', 'ms'),
    atMost: 8,
  },
  {
    what: '256 KB take milliseconds',
    row: 'Wavelock, 256 KB',
    over: 'median',
    of: (figure) => figure('Wavelock, 256 KB', 'ms'),
    atMost: 50,
  },
];
if (withIt) {
  laws.unshift({
    what: 'reading and validating is that many times faster than markdown-it alone parses, both warm',
    row: 'Wavelock, 1 MB',
    over: 'median',
    of: (figure) => figure('markdown-it, 1 MB', 'ms') / figure('Wavelock, 1 MB', 'ms'),
    atLeast: 5,
  });
}

/** Processor time of the slowest text, by its own best; those that are fast at once are looked at once. */
function slowest(): { readonly ms: number; readonly what: string } {
  let worst = { ms: 0, what: 'none' };
  const look = (path: string, text: string, what: string): void => {
    const read = (): number => cpu(() => readWorkflow(path, text));
    let best = read();
    for (let turn = 1; turn < repeats && best > worst.ms; turn += 1) best = Math.min(best, read());
    if (best > worst.ms) worst = { ms: best, what: `${path}: ${what}` };
  };
  for (let warmth = 0; warmth < 2; warmth += 1) {
    worst = { ms: 0, what: 'none' };
    for (const [name, of] of badInputs)
      for (const path of hostilePaths) look(path, of(MB / 4).slice(0, MB / 4), name);
  }
  const texts = fc.property(largeText(MB / 4), fc.constantFrom(...hostilePaths), (text, path) => {
    look(path, text, JSON.stringify(text.slice(0, 80)));
  });
  fc.assert(texts, { numRuns: fuzzed, seed, endOnFailure: true });
  return worst;
}

/** The largest ratio of the times that 80,000 and 20,000 of something take. */
function growth(): { readonly ratio: number; readonly what: string } {
  const each: (readonly [string, string, (size: number) => string])[] = [
    ...badInputs.flatMap(([name, of]) => hostilePaths.map((path) => [path, name, of] as const)),
    ...Object.entries(longTexts).map(([name, of]) => ['STATE.md', name, of] as const),
  ];
  let worst = { ratio: 0, what: 'none' };
  for (const [path, name, of] of each) {
    const best = (text: string): number =>
      Math.min(...Array.from({ length: 3 }, () => cpu(() => readWorkflow(path, text))));
    best(of(20_000));
    // Below a few milliseconds the collector of garbage has more to say than the reader.
    const ratio = (best(of(80_000)) + 2) / (best(of(20_000)) + 2);
    if (ratio > worst.ratio) worst = { ratio, what: `${path}: ${name}` };
  }
  return worst;
}

function cpu(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

const markdown: Bench = {
  name: 'markdown',
  about: 'Processor time to read and validate a STATE.md, and of markdown-it to parse it.',
  columns: [median('ms', 'ms', 1), most('ms', 'longest ms', 1), median('mb_per_s', 'MB/s', 1)],
  laws,
  rounds: 5,
  prepare(workshop) {
    if (!withIt)
      workshop.note('markdown-it could not be installed here; nothing is compared with it.');
    const first = stateMd(MB);
    const [ours, its] = [
      cpu(() => readWorkflow('STATE.md', first)),
      packages === undefined ? NaN : coldMarkdownIt(packages, first),
    ];
    // Nothing is compiled then. Shown, and no law: whoever reads files in an editor reads many.
    workshop.note(
      `The first 1 MB of this process: ${ours.toFixed(0)} ms, markdown-it's first ${its.toFixed(0)} ms: ${(its / ours).toFixed(1)} times. The law is about a warm engine.`,
    );
    const texts = { '256 KB': stateMd(MB / 4), '1 MB': stateMd(MB), '10 MB': stateMd(10 * MB) };
    const rows: (readonly [string, number, () => void])[] = Object.entries(texts).map(
      ([size, text]) => [`Wavelock, ${size}`, text.length, () => readWorkflow('STATE.md', text)],
    );
    rows.push(['Wavelock, 10 × 1 MB kept', 10 * MB, () => kept(texts['1 MB'])]);
    const fuzz = slowest();
    workshop.note(`Slowest of the fuzz (seed ${seed}): ${fuzz.what}`);
    const grown = growth();
    workshop.note(`Grows most: ${grown.what}`);
    if (packages !== undefined) {
      const parser = markdownIt(packages);
      rows.push(['markdown-it, 1 MB', MB, () => parser.parse(texts['1 MB'], {})]);
    }
    return Promise.resolve((round) =>
      Promise.resolve([
        ...inTurn(rows, round).map(([row, size, work]) => {
          const ms = took(work);
          return { row, figures: { ms, mb_per_s: size / MB / (ms / 1_000) } };
        }),
        { row: 'fuzz, slowest', figures: { ms: fuzz.ms } },
        { row: 'bad inputs, growth', figures: { ms: grown.ratio } },
      ]),
    );
  },
};

/** So many at once that none can die young. */
function kept(text: string): WorkflowDocument[] {
  return Array.from({ length: 10 }, () => readWorkflow('STATE.md', text));
}

interface MarkdownParser {
  parse(text: string, env: object): unknown;
}

function coldMarkdownIt(folder: string, text: string): number {
  const parser = markdownIt(folder);
  return cpu(() => parser.parse(text, {}));
}

function markdownIt(folder: string): MarkdownParser {
  type Make = () => MarkdownParser;
  const loaded = createRequire(join(folder, 'x.js'))('markdown-it') as Make | { default: Make };
  return typeof loaded === 'function' ? loaded() : loaded.default();
}

export default markdown;
