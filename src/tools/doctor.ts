/**
 * `doctor`: what is not as it should be, how it is known, and what to do about it. `--fix` mends only what Wavelock would
 * do by itself in time, and what nobody can miss: it expires what is over, writes what files are promised, backs up,
 * and closes the store's folder to others.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { drift } from '../core/drift';
import { isStoreError, type StoreError } from '../core/errors';
import type { AgentName, RunRow } from '../core/model';
import { silenceMs } from '../core/rules/agents';
import { viewOf } from '../core/views';
import { bootedAt, liveness } from '../store/hostClock';
import type { Place } from '../store/place';
import { listBackups } from '../store/sqlite/backups';
import type { Store } from '../store/store';
import { WorkflowFiles, type WorkflowFile } from '../store/workflowFiles';
import type { Done, Refused } from './commandLine';
import { clock, lasting } from './terminal';
import { workflowsIn } from './workflowChoice';
import { hasStore, locate, openStore, type Workplace } from './workplace';

export interface Finding {
  readonly code: string;
  /** An error keeps Wavelock from working; a warning wants to be looked at; info is worth knowing. */
  readonly severity: 'error' | 'warning' | 'info';
  /** One sentence. */
  readonly what: string;
  /** What it is known by. */
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>;
  /** What to do about it. */
  readonly fix: string;
  /** `--fix` does it. */
  readonly mends?: true;
}

export type DoctorDocument =
  | (Done & {
      /** Nothing but `info` was found. */
      readonly healthy: boolean;
      readonly looked: Readonly<Record<string, string | number | null>>;
      readonly findings: readonly Finding[];
      /** Codes of what `--fix` has mended. */
      readonly fixed: readonly string[];
    })
  | Refused;

export async function doctor(workplace: Workplace, fix: boolean): Promise<DoctorDocument> {
  const at = locate(workplace);
  const looked: Record<string, string | number | null> = {
    node: process.versions.node,
    platform: process.platform,
    root: at.place.root,
    worktree: at.place.worktree,
    store: at.place.storeFolder,
  };
  const before = await look(workplace, at, looked);
  if (!fix) return told(before, looked, []);
  const fixed = await mend(workplace, at.place, before.findings);
  return told(fixed.length === 0 ? before : await look(workplace, at, looked), looked, fixed);
}

interface Seen {
  readonly head: number;
  readonly findings: readonly Finding[];
}

function told(
  { head, findings }: Seen,
  looked: Readonly<Record<string, string | number | null>>,
  fixed: readonly string[],
): DoctorDocument {
  const order = { error: 0, warning: 1, info: 2 };
  return {
    ok: true,
    at: head,
    healthy: findings.every(({ severity }) => severity === 'info'),
    looked,
    findings: [...findings].sort((a, b) => order[a.severity] - order[b.severity]),
    fixed,
  };
}

type At = ReturnType<typeof locate>;

async function look(
  workplace: Workplace,
  at: At,
  looked: Record<string, string | number | null>,
): Promise<Seen> {
  const { place } = at;
  if (!hasStore(place)) {
    const files = await workflowsIn(at, undefined);
    return { head: 0, findings: [...sameId(files.found), noStore(place)] };
  }
  const findings = [...ofDisk(place), ...ofGit(place)];
  let store: Store;
  try {
    store = await openStore({ ...workplace, agent: undefined, warn: () => undefined }, place);
  } catch (error) {
    if (!isStoreError(error)) throw error;
    return { head: 0, findings: [...findings, faultOf(error)] };
  }
  try {
    const versions = await store.read('versions', {});
    looked['engine'] = versions.engine;
    looked['journal'] = versions.journal;
    const { found } = await workflowsIn(at, store);
    return {
      head: await store.read('head', {}),
      findings: [
        ...findings,
        ...(store.readOnlyBecause ? [faultOf(store.readOnlyBecause)] : []),
        ...store.warnings.map(({ code, message }): Finding => ({
          code,
          severity: 'warning',
          what: message,
          evidence: { folder: place.storeFolder },
          fix:
            code === 'open_to_others'
              ? `chmod 700 '${place.storeFolder}'`
              : 'Choose another folder for the store with --store or WAVELOCK_STORE.',
          ...(code === 'open_to_others' ? { mends: true } : {}),
        })),
        ...sameId(found),
        ...(await ofBackups(store, place)),
        ...(await ofHolders(store)),
        ...(await ofFiles(store, place, found)),
      ],
    };
  } finally {
    await store.close();
  }
}

function noStore({ storeFolder }: Place): Finding {
  return {
    code: 'no_store',
    severity: 'info',
    what: 'Nothing has been recorded here yet.',
    evidence: { folder: storeFolder },
    fix: 'Nothing has to be done: the first command that changes something begins a store.',
  };
}

function faultOf({ code, message }: StoreError): Finding {
  return {
    code,
    severity: 'error',
    what: message,
    evidence: { fault: code },
    fix:
      code === 'store_busy'
        ? 'Close or continue the process that is named, then ask again.'
        : 'See docs/errors.md; `wavelock store verify` looks closer, and `wavelock store restore latest --preview` shows what a backup has.',
  };
}

/* ------------------------------------------------------------------ the disk and git */

const littleRoom = 512 * 1024 * 1024;
const noRoom = 32 * 1024 * 1024;
const largeLog = 64 * 1024 * 1024;

function ofDisk({ storeFolder }: Place): Finding[] {
  const { bavail, bsize } = statfsSync(storeFolder);
  const free = bavail * bsize;
  const log = lstatSync(join(storeFolder, 'store.db-wal'), { throwIfNoEntry: false })?.size ?? 0;
  const findings: Finding[] = [];
  if (free < littleRoom) {
    findings.push({
      code: 'disk_low',
      severity: free < noRoom ? 'error' : 'warning',
      what: `There are ${megabytes(free)} left on the disk of the store.`,
      evidence: { freeBytes: free, folder: storeFolder },
      fix: 'Free space, or move the store; a store that finds no room refuses changes until there is some.',
    });
  }
  if (log > largeLog) {
    findings.push({
      code: 'wal_large',
      severity: 'warning',
      what: `The write-ahead log of the store has grown to ${megabytes(log)}.`,
      evidence: { bytes: log },
      fix: 'It is emptied when nobody reads an old moment any more: look for a process that verifies or backs up, or that is stopped.',
    });
  }
  return findings;
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024)} MB`;
}

function ofGit({ root, storeFolder }: Place): Finding[] {
  const tracked = trackedByGit(root, storeFolder);
  if (tracked === 0) return [];
  return [
    {
      code: 'tracked_by_git',
      severity: 'error',
      what: 'Git has files of the store in its index, so a checkout would change the store.',
      evidence: { files: tracked, folder: storeFolder },
      fix: `git rm -r --cached '${basename(storeFolder)}'`,
    },
  ];
}

/** How many files; none where git is not there, or it is no repository. */
function trackedByGit(root: string, folder: string): number {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return listed.split('\0').length - 1;
  } catch (error) {
    const { code, status } = error as NodeJS.ErrnoException & { readonly status?: number | null };
    if (code === 'ENOENT' || typeof status === 'number') return 0;
    throw error;
  }
}

const backupsDue = 48 * 60 * 60_000;

/** A store that was begun today makes its first backup by itself. */
async function ofBackups(store: Store, { storeFolder }: Place): Promise<Finding[]> {
  const now = Date.now();
  const [newest] = listBackups(storeFolder);
  const [first] = await store.read('events', { after: 0, limit: 1 });
  const age = now - (newest?.at ?? first?.at ?? now);
  if (age < backupsDue) return [];
  return [
    {
      code: newest ? 'backup_old' : 'backup_missing',
      severity: 'warning',
      what: newest
        ? `The newest backup of the store was made ${lasting(age)} ago.`
        : `The store was begun ${lasting(age)} ago and has no backup.`,
      evidence: { newest: newest ? clock(newest.at) : null },
      fix: 'wavelock store backup',
      mends: true,
    },
  ];
}

/* ------------------------------------------------------------------ who holds what */

async function ofHolders(store: Store): Promise<Finding[]> {
  const now = Date.now();
  const { agents, sessions, running } = await store.read('agents', {});
  const standing = new Set((await store.read('locks', {})).map(({ id }) => id));
  const { locks = [], guards } = await store.read('state', {});
  const findings: Finding[] = [];
  for (const { id, resource, agent, expiresAt } of locks) {
    if (standing.has(id)) continue;
    findings.push({
      code: 'lock_expired',
      severity: 'info',
      what: `The lock of ${agent} on ${resource} is over; it blocks nobody.`,
      evidence: { lock: id, agent, expiredAt: clock(expiresAt) },
      fix: 'Nothing has to be done: it is tidied away within a minute of any window or worker.',
      mends: true,
    });
  }
  for (const run of running) findings.push(...overdue(run, now));
  for (const { agent, process, seen } of sessions) {
    if (liveness(process) !== 'gone') continue;
    findings.push({
      code: 'session_gone',
      severity: 'info',
      what: `A process of ${agent} ended without saying so.`,
      evidence: { agent, host: process.host, pid: process.pid, lastSeen: clock(seen.wall) },
      fix: 'Nothing has to be done: it is forgotten when its agent is looked at.',
    });
  }
  const holding = new Set<AgentName>([
    ...running.flatMap(({ claim }) => claim?.agent ?? []),
    ...locks.filter(({ id }) => standing.has(id)).map(({ agent }) => agent),
  ]);
  for (const { name, id, seen } of agents) {
    const silent = now - seen.wall;
    if (!holding.has(name) || silent < 12 * silenceMs) continue;
    findings.push({
      code: 'agent_silent',
      severity: 'warning',
      what: `${name} has not been seen for ${lasting(silent)} and still holds runs or locks.`,
      evidence: { agent: name, id, host: seen.host, lastSeen: clock(seen.wall) },
      fix: `If it is gone: wavelock --agent ${id} agent leave --force`,
    });
  }
  for (const { file, worktree, holder } of guards) {
    const { agent, host, pid, since, bootId, pidNamespace, startTime } = holder;
    if (bootId === undefined || pidNamespace === undefined || startTime === undefined) continue;
    if (liveness({ host, pid, bootId, pidNamespace, startTime }) !== 'gone') continue;
    findings.push({
      code: 'lockfile_left',
      severity: 'info',
      what: `The process of ${agent} that held ${file} is gone.`,
      evidence: {
        file,
        worktree,
        agent,
        host,
        pid,
        since: clock(since),
        bootedAt: clock(bootedAt()),
      },
      fix: 'Nothing has to be done: the next who writes the file takes the lock over.',
    });
  }
  return findings;
}

function overdue({ id, claim, timeoutMs, startedAt }: RunRow, now: number): Finding[] {
  if (claim === null) return [];
  const gone = claim.process !== null && liveness(claim.process) === 'gone';
  const late = now - claim.leaseUntil;
  const timedOut = timeoutMs !== null && startedAt !== null && now - startedAt > timeoutMs;
  if (!gone && late <= 0 && !timedOut) return [];
  const why = gone
    ? 'its process is gone'
    : timedOut
      ? `it has run longer than ${lasting(timeoutMs)}`
      : `its lease was over ${lasting(late)} ago`;
  return [
    {
      code: 'run_overdue',
      severity: 'warning',
      what: `Run ${id} of ${claim.agent} counts as running, but ${why}.`,
      evidence: {
        run: id,
        agent: claim.agent,
        host: claim.beat.host,
        pid: claim.process?.pid ?? null,
        processGone: claim.process === null ? null : gone,
        lastBeat: clock(claim.beat.wall),
      },
      fix: 'It becomes lost, and is tried again if it may be, as soon as anybody looks for work.',
      mends: true,
    },
  ];
}

/* ------------------------------------------------------------------ files */

function sameId(found: readonly WorkflowFile[]): Finding[] {
  const files = new Map<string, string[]>();
  for (const { file, document } of found) {
    const id = document.plan?.id;
    if (id === undefined) continue;
    const known = files.get(id);
    if (known) known.push(file);
    else files.set(id, [file]);
  }
  return [...files].flatMap(([id, names]): Finding[] =>
    names.length < 2
      ? []
      : [
          {
            code: 'duplicate_id',
            severity: 'warning',
            what: `${names.join(' and ')} both say that they are workflow ${id}.`,
            evidence: { workflow: id, files: names.join(', ') },
            fix: 'Give one of them an id of its own; until then only the one that is bound is written.',
          },
        ],
  );
}

/** Where files, runs and the store tell different stories. */
async function ofFiles(
  store: Store,
  { worktree }: Place,
  found: readonly WorkflowFile[],
): Promise<Finding[]> {
  const files = found.flatMap(({ file, hash, document: { plan, editing } }) =>
    plan ? [{ file, hash, editing, plan }] : [],
  );
  const unreadable = found.flatMap(({ file, document }) => (document.plan ? [] : [file]));
  const pending = await store.read('fileEdits', {});
  const view = viewOf(await store.read('state', {}));
  return drift({ files, unreadable, worktree, pending, now: Date.now() }, view).map(
    ({ code, severity, message, advice, workflow, file, line, task, run }): Finding => ({
      code,
      severity,
      what: message,
      evidence: {
        workflow,
        file,
        ...(line === undefined ? {} : { line: line + 1 }),
        ...(task === undefined ? {} : { task }),
        ...(run === undefined ? {} : { run }),
      },
      fix: advice,
      ...(code === 'edit_overdue' ? { mends: true } : {}),
    }),
  );
}

/* ------------------------------------------------------------------ mending */

/** Codes of what was mended; what cannot be mended now stays among the findings. */
async function mend(
  workplace: Workplace,
  place: Place,
  findings: readonly Finding[],
): Promise<readonly string[]> {
  const due = new Set(findings.flatMap(({ code, mends }) => (mends ? [code] : [])));
  if (due.size === 0) return [];
  const fixed: string[] = [];
  if (due.has('open_to_others')) {
    chmodSync(place.storeFolder, 0o700);
    fixed.push('open_to_others');
  }
  const store = await openStore({ ...workplace, warn: () => undefined }, place);
  try {
    if (store.readOnlyBecause) return fixed;
    if (due.has('lock_expired') || due.has('run_overdue')) {
      for (let more = true; more;) {
        const answer = await store.submit({ kind: 'sweep' });
        more = answer.ok && answer.facts.more;
      }
      fixed.push(...['lock_expired', 'run_overdue'].filter((code) => due.has(code)));
    }
    if (due.has('edit_overdue')) {
      await new WorkflowFiles({ place, store, now: Date.now }).keepPromises();
      fixed.push('edit_overdue');
    }
    for (const code of ['backup_old', 'backup_missing']) {
      if (!due.has(code)) continue;
      await store.backup();
      fixed.push(code);
    }
  } finally {
    await store.close();
  }
  return fixed;
}
