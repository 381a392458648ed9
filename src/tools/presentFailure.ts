/** Refusals and faults as people get to see them: what is in the way, and what helps. */
import type { Denial, Problem, Refusal } from '../core/model';
import type { Document } from './commandLine';
import { problemLine } from './presentLines';
import { snapshotLine } from './presentRuns';
import { lasting, printable, type Look } from './terminal';

export function showFailure(document: Extract<Document, { ok: false }>, look: Look): string {
  const { paint } = look;
  if ('error' in document) {
    const lines = foundIn(document).map(
      ({ where, message }) => `  ${printable(where)}: ${printable(message)}\n`,
    );
    return `${paint.red('wavelock:')} ${printable(document.error.message)}\n${lines.join('')}`;
  }
  const { refusal } = document;
  const problems = ('problems' in document ? document.problems : undefined) as
    readonly Problem[] | undefined;
  const lines = problems ? problems.map(problemLine) : detailsOf(refusal, look);
  const later =
    'retryAfterMs' in refusal
      ? paint.dim(` Worth another try in ${soon(refusal.retryAfterMs)}.`)
      : '';
  return `${paint.yellow('Refused:')} ${printable(refusal.message)}${later}\n${lines.join('')}`;
}

/** Of a store that was looked through. */
function foundIn(
  document: object,
): readonly { readonly where: string; readonly message: string }[] {
  return 'problems' in document
    ? (document.problems as readonly { readonly where: string; readonly message: string }[])
    : [];
}

function detailsOf(refusal: Refusal, look: Look): readonly string[] {
  const { paint } = look;
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the message of all others says it all
  switch (refusal.code) {
    case 'wave_incomplete': {
      const width = Math.max(...refusal.blockers.map(({ task }) => task.length));
      return refusal.blockers.map(
        ({ task, why }) => `  ${printable(task).padEnd(width)}  ${printable(why)}\n`,
      );
    }
    case 'invalid_workflow':
      return refusal.problems.map(problemLine);
    case 'lock_denied':
      return refusal.denials.map((denial) => denialLine(denial, look));
    case 'run_failed':
      return refusal.runs.map((run) => `  ${snapshotLine(run, look)}`);
    case 'timeout':
      return (refusal.runs ?? []).map((run) => `  ${snapshotLine(run, look)}`);
    case 'agent_required':
      return [
        `  ${paint.bold(refusal.register)}\n`,
        '  or give --agent NAME, or set WAVELOCK_AGENT\n',
      ];
    case 'deadlock':
      return refusal.cycle.map(
        ({ agent, resource, holder }) =>
          `  ${printable(agent)} waits for ${printable(resource)}, which ${printable(holder)} has\n`,
      );
    case 'conflict':
      return (refusal.files ?? []).map(
        ({ resource, change }) => `  ${printable(resource)}: ${change}\n`,
      );
    default:
      return [];
  }
}

export function denialLine(
  { resource, holder, queuePosition }: Denial,
  { paint, now }: Look,
): string {
  const { name, description, since, expiresAt } = holder;
  const about = description === '' ? '' : ` (${printable(description)})`;
  const held = since === undefined ? '' : `, for ${lasting(now - since)}`;
  const left = expiresAt === undefined ? '' : `, ${lasting(expiresAt - now)} left`;
  const place =
    queuePosition === undefined ? '' : paint.dim(` you would be number ${queuePosition} in line`);
  return `  ${paint.bold(printable(resource))}  ${printable(name)}${about}${held}${left}${place}\n`;
}

function soon(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : lasting(ms);
}
