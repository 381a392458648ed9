/**
 * docs/cli.md shows documents as the goldens have them. It may cut them short, and says where: `…` as a member of an
 * object or at the end of a text leaves the rest out, and of a list the first ones are enough.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Golden {
  readonly command: string;
  readonly exit: number;
  readonly document: unknown;
}

const folder = 'test/cli/goldens';
const goldens = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Golden);

/** Whether the sample is the document, or says where it is not. */
function agrees(sample: unknown, document: unknown): boolean {
  if (typeof sample === 'string' && sample.endsWith('…'))
    return typeof document === 'string' && document.startsWith(sample.slice(0, -1));
  if (Array.isArray(sample)) {
    if (!Array.isArray(document) || (sample.length === 0) !== (document.length === 0)) return false;
    return sample.every((each, index) => index < document.length && agrees(each, document[index]));
  }
  if (!isObject(sample) || !isObject(document)) return Object.is(sample, document);
  const { '…': cut, ...members } = sample;
  const names = Object.keys(members);
  if (cut === undefined && names.length !== Object.keys(document).length) return false;
  return names.every((name) => name in document && agrees(members[name], document[name]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The samples of one command's part, with the exits that stand above them. */
function samplesIn(part: string): { readonly exit: number; readonly sample: unknown }[] {
  return [...part.matchAll(/^Exit (\d+)\b[^\n]*\n\n```json\n(.*?)^```$/gms)].map(
    ([, exit, sample = '']) => ({ exit: Number(exit), sample: JSON.parse(sample) as unknown }),
  );
}

describe('cli: docs/cli.md', () => {
  const parts = readFileSync('docs/cli.md', 'utf8').split(/^### /m).slice(1);

  for (const part of parts) {
    const command = /^`([^`]+)`/.exec(part)?.[1] ?? '';
    const samples = samplesIn(part);
    const shown = [...part.matchAll(/^```json$/gm)].length;
    if (shown === 0) continue;
    it(`shows of ${command} what the goldens have`, () => {
      assert.equal(samples.length, shown, 'each document stands below its exit');
      const own = goldens.filter((golden) =>
        `${golden.command} `.startsWith(`wavelock ${command} `),
      );
      for (const { exit, sample } of samples) {
        const some = own.filter((golden) => golden.exit === exit);
        assert.ok(
          some.some(({ document }) => agrees(sample, document)),
          `exit ${exit}: ${JSON.stringify(sample)}\nis none of\n${some.map(({ document }) => JSON.stringify(document)).join('\n')}`,
        );
      }
    });
  }

  it('shows a run with all of its members', () => {
    const [, text = ''] =
      /^A run is told as:\s+```json\n(.*?)^```$/ms.exec(readFileSync('docs/cli.md', 'utf8')) ?? [];
    const shown = goldens.find(
      ({ command, exit }) => command === 'wavelock run claim' && exit === 0,
    );
    const { run } = shown?.document as { readonly run: object };
    assert.deepEqual(Object.keys(JSON.parse(text) as object), Object.keys(run));
  });
});
