/**
 * A process on the failing file system: tells each story once for every call that may fail.
 * `syscallsChild.js CONTROL ROOT '{"stories": [...], "errno": "EIO", "mode": "once"}'`; a line of JSON for each
 * story, and one for each thing that does not hold.
 */
import { isStoreError, type FaultCode } from '../../src/core/errors';
import { ShimControl, type Errno, type Family } from './shim';
import { plausible, type Line, type Task } from './syscallTelling';
import { stories, type Outcome, type Story } from './syscallStories';

/** How it is named, whatever stood between the call and us. */
const named: { readonly [Name in Errno]: readonly FaultCode[] } = {
  ENOSPC: ['store_full'],
  EIO: ['store_io'],
  EMFILE: ['store_unavailable'],
  EACCES: ['store_permission'],
};

const longest = 30_000;

const [controlFile = '', root = '', asked = '{}'] = process.argv.slice(2);
const task = JSON.parse(asked) as Task;
const { errno = 'EIO', mode = 'once', families = plausible[errno] } = task;
const shim = new ShimControl(controlFile, root);
const say = (line: Line): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function main(): Promise<void> {
  const chosen = stories.filter(({ name }) => task.stories.includes(name));
  if (task.only === 'count') shim.watch();
  for (const story of chosen) await (task.only ? tellOnce(story) : tellAll(story));
  if (task.only === 'count') sumUp(chosen);
  shim.close();
}

/** Nothing fails. */
async function tellOnce(story: Story): Promise<void> {
  const act = await story.begin(root);
  if (task.only === 'log') shim.watch();
  const value = await act.run();
  if (task.only === 'log') {
    shim.off();
    say({ story: story.name, log: shim.log() });
  }
  await act.after({ value });
  await story.end?.();
}

/** From the beginning to the end, so that a trace of the process tells of the same calls. */
function sumUp(told: readonly Story[]): void {
  const counted: Partial<Record<Family, number>> = {};
  for (const { family } of shim.log()) counted[family] = (counted[family] ?? 0) + 1;
  say({ story: told.map(({ name }) => name).join(), counted });
}

async function tellAll(story: Story): Promise<void> {
  let errors = 0;
  for (let k = 1; ; k += 1) {
    const act = await story.begin(root);
    shim.arm(mode, k, errno, families);
    const outcome = await settled(act.run());
    const { failures } = shim.off();
    const failed = shim.log().find((call) => call.failed);
    const call = `${failed?.family ?? ''} ${failed?.path ?? ''}`;
    const wrong = (what: unknown): void => {
      say({ story: story.name, k, call, wrong: textOf(what) });
      if (task.brief === true) process.exit();
    };
    if ('error' in outcome) {
      errors += 1;
      const fault = judge(outcome.error, failed?.family, story.name);
      if (fault !== undefined) wrong(fault);
    }
    const after = await settled(act.after(outcome));
    if ('error' in after) wrong(after.error);
    if (failures === 0) {
      say({ story: story.name, calls: k - 1, errors });
      break;
    }
  }
  await story.end?.();
}

function judge(error: unknown, family: Family | undefined, story: string): string | undefined {
  if (!isStoreError(error)) return `not a fault of ours: ${textOf(error)}`;
  const codes = [...named[errno]];
  // SQLite keeps the cause to itself; once it is over nobody can find it out.
  if (mode === 'once') codes.push('store_io');
  // To SQLite a page that cannot be read is a damaged one; to a copy that is looked through, anything is.
  if (family === 'read' || ['backup', 'restore'].includes(story)) codes.push('store_damaged');
  if (!codes.includes(error.code)) return `named ${error.code}: ${error.message}`;
  return undefined;
}

/** A story that does not come to an end is told as one that fails. */
async function settled(work: Promise<unknown>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no end within ${longest / 1_000} s`));
      }, longest);
    });
    return { value: await Promise.race([work, late]) };
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = isStoreError(error) ? `${error.code}: ` : '';
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${code}${error.message}${cause}${isStoreError(error) ? '' : `\n${error.stack ?? ''}`}`;
}

void main();
