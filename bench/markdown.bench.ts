/** Reading a workflow file, problems and all, against what a Markdown parser takes for the same text alone. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readWorkflow } from '../src/workflow/reader';
import { inTurn, median, most, type Bench, type Law } from './bench';
import { packages } from './drain';

const MB = 1_048_576;
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
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

const laws: Law[] = [
  {
    what: 'ten times the text takes at most twice ten times as long',
    row: 'Wavelock, 10 MB',
    over: 'median',
    of: (figure) => figure('Wavelock, 10 MB', 'ms') / figure('Wavelock, 1 MB', 'ms'),
    atMost: 20,
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
    what: 'reading and validating is that many times faster than markdown-it alone parses',
    row: 'Wavelock, 1 MB',
    over: 'median',
    of: (figure) => figure('markdown-it, 1 MB', 'ms') / figure('Wavelock, 1 MB', 'ms'),
    atLeast: 5,
  });
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
    const texts = { '256 KB': stateMd(MB / 4), '1 MB': stateMd(MB), '10 MB': stateMd(10 * MB) };
    const rows: (readonly [string, number, () => void])[] = Object.entries(texts).map(
      ([size, text]) => [`Wavelock, ${size}`, text.length, () => readWorkflow('STATE.md', text)],
    );
    if (packages !== undefined) {
      const parser = markdownIt(packages);
      rows.push(['markdown-it, 1 MB', MB, () => parser.parse(texts['1 MB'], {})]);
    }
    return Promise.resolve((round) =>
      Promise.resolve(
        inTurn(rows, round).map(([row, size, work]) => {
          const ms = took(work);
          return { row, figures: { ms, mb_per_s: size / MB / (ms / 1_000) } };
        }),
      ),
    );
  },
};

interface MarkdownParser {
  parse(text: string, env: object): unknown;
}

function markdownIt(folder: string): MarkdownParser {
  type Make = () => MarkdownParser;
  const loaded = createRequire(join(folder, 'x.js'))('markdown-it') as Make | { default: Make };
  return typeof loaded === 'function' ? loaded() : loaded.default();
}

export default markdown;
