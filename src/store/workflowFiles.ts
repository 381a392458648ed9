/**
 * The workflow files of one workspace folder: read by anyone, written here alone.
 *
 * Contract of a write: the promise comes first, the file second. A transaction commits what the file
 * shall say (`file.intent`); then the file is changed, under its lockfile and only if its content is what
 * was read; then `file.written` settles the promise. A crash anywhere in between leaves a promise that
 * whoever comes next keeps, once. The lockfile keeps writers apart; the content hash is what makes a
 * write right, so a holder that was stopped and lost its lock cannot undo a successor.
 *
 * Not detected: another program that replaces the file between our last look and the rename.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type {
  AdvanceFacts,
  Answer,
  ContentHash,
  Denial,
  OpId,
  PendingWrite,
  Refusal,
  RelativePath,
  Seq,
} from '../core/model';
import { isStoreError, StoreError } from '../core/errors';
import { guardKey, viewOf } from '../core/views';
import {
  applyEdits,
  isValid,
  unreadable,
  type EditAnswer,
  type TextEdit,
  type WorkflowDocument,
} from '../workflow/document';
import { readWorkflow } from '../workflow/reader';
import { fileFault, replaceFile, type OnStep } from './durableFs';
import {
  acquireFileLock,
  holdForEdit,
  type FileLock,
  type FileLockOptions,
  type LockHeld,
} from './fileLock';
import { processIdentity } from './hostClock';
import { relativeTo, type Place } from './place';
import type { Store } from './store';

export const workflowFileName = 'STATE.md';

/** A workflow file as it is on the disk at one moment. */
export interface WorkflowFile {
  readonly path: string;
  readonly file: RelativePath;
  readonly hash: ContentHash;
  readonly document: WorkflowDocument;
}

export interface AdvanceRequest {
  /** The wave the asker saw. */
  readonly seen?: number;
  readonly force?: { readonly reason: string };
  readonly opId?: OpId;
}

export interface WorkflowFilesOptions {
  readonly place: Place;
  readonly store: Store;
  readonly now: () => number;
  readonly lockWaitMs?: number;
  readonly lockStaleMs?: number;
  readonly onStep?: OnStep;
  /** How the lockfile is taken. Nothing may rest on it, so a test can do without. */
  readonly acquire?: typeof acquireFileLock;
}

const defaultLockWait = 3_000;
const defaultLockStale = 10_000;
/** Each round means that somebody saved the file in the very moment of our write. */
const mostRounds = 8;

/** The workflow file of a folder, if there is one. Reading needs no store and no lock. */
export function findWorkflowFile(place: Place, folder: string): WorkflowFile | undefined {
  return readWorkflowFile(place, join(folder, workflowFileName));
}

function readWorkflowFile(place: Place, path: string): WorkflowFile | undefined {
  let bytes: Buffer;
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isFile()) return undefined;
    bytes = readFileSync(real);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileFault(error, path);
  }
  const inside = relativeTo(place, real);
  const text = decode(bytes);
  return {
    path: real,
    // A link that leads out of the worktree is shown under its own name, and never written.
    file: inside ?? (relative(place.root, path).split(sep).join('/') as RelativePath),
    hash: hashOf(bytes),
    document:
      inside === undefined
        ? unreadable(
            workflowFileName,
            '',
            'outside_workspace',
            `${workflowFileName} is a link that leads out of the workspace. Put the file itself here.`,
          )
        : text === undefined
          ? unreadable(
              workflowFileName,
              '',
              'invalid_encoding',
              `${workflowFileName} is not valid UTF-8. Save it with UTF-8 encoding.`,
            )
          : readWorkflow(workflowFileName, text),
  };
}

export class WorkflowFiles {
  readonly #place: Place;
  readonly #store: Store;
  readonly #onStep: OnStep;

  constructor(private readonly options: WorkflowFilesOptions) {
    this.#place = options.place;
    this.#store = options.store;
    this.#onStep = options.onStep ?? (() => undefined);
  }

  /** Takes the workflow of `folder` to its next wave, in the store and in the file. */
  async advance(folder: string, request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    const path = join(folder, workflowFileName);
    const found = findWorkflowFile(this.#place, folder);
    const refused = found ? refusalFor(found) : missing(path);
    if (refused) return this.#refuse(refused);
    if (found) refuseWriteProtected(found.path);

    return this.#underLock(
      found?.path ?? path,
      this.options.lockWaitMs ?? defaultLockWait,
      (lock) => this.#advanceLocked(path, request, lock),
    );
  }

  /** Keeps the promises that a process could not keep itself. */
  async keepPromises(): Promise<void> {
    for (const pending of await this.#promises()) {
      const stale = this.options.lockStaleMs ?? defaultLockStale;
      // Longer than a dead holder's lock lives, else its promise would wait for the next start.
      const answer = await this.#underLock(this.#pathOf(pending), stale + 2_000, async (lock) => {
        const still = (await this.#promises()).find((other) => other.workflow === pending.workflow);
        if (still) await this.#keep(still, lock);
        return { ok: true, at: 0, facts: undefined } as const;
      });
      if (!answer.ok) throw new StoreError('store_busy', answer.refusal.message);
    }
  }

  async #advanceLocked(
    path: string,
    request: AdvanceRequest,
    lock: FileLock,
  ): Promise<Answer<AdvanceFacts>> {
    // Whoever held the lock before may have died between its promise and the file.
    for (const pending of await this.#promises()) {
      if (this.#pathOf(pending) === readWorkflowFile(this.#place, path)?.path)
        await this.#keep(pending, lock);
    }
    // The wait for the lock may have been long; the file as it is now decides.
    const current = readWorkflowFile(this.#place, path);
    if (!current) return this.#refuse(missing(path));
    const { document } = current;
    if (!isValid(document)) return this.#refuse(refusalFor(current) ?? missing(path));
    const updated = localTime(this.options.now());
    const wave = Math.min(document.plan.wave + 1, document.plan.waveCount);
    const target = applyEdits(
      document.text,
      sayable(document.edit({ kind: 'wave', wave, updated })),
    );
    const answer = await this.#store.submit(
      {
        kind: 'wave.advance',
        plan: document.plan,
        file: current.file,
        worktree: this.#place.worktree,
        ...(request.seen === undefined ? {} : { seen: request.seen }),
        ...(request.force === undefined ? {} : { force: request.force }),
        write: { base: current.hash, target: hashOf(target), updated },
      },
      request.opId,
    );
    if (!answer.ok) return answer;
    this.#onStep('committed');
    const promised = (await this.#promises()).find(
      (pending) => pending.workflow === answer.facts.workflow,
    );
    if (promised) await this.#keep(promised, lock);
    return answer;
  }

  /** Makes the file say what was promised, unless it does already, and settles the promise. */
  async #keep(pending: PendingWrite, lock: FileLock): Promise<void> {
    const path = this.#pathOf(pending);
    for (let round = 0; round < mostRounds; round += 1) {
      const current = readWorkflowFile(this.#place, path);
      const plan = current?.document.plan;
      if (!current || !plan) {
        throw new StoreError(
          'store_gone',
          `The wave has advanced, but ${pending.file} ${current ? 'cannot be read as a workflow' : 'is not there'} any more. It gets its new wave as soon as it is back.`,
        );
      }
      const { document } = current;
      // People may have moved on by hand in the meantime; their wave stands.
      const { edit } = pending;
      const edits =
        edit.kind === 'wave' && plan.wave >= edit.wave ? [] : sayable(document.edit(edit));
      if (edits.length === 0) {
        await this.#confirm(pending, current.hash);
        return;
      }
      const text = applyEdits(document.text, edits);
      try {
        replaceFile(current.path, text, {
          backup: this.#backupPath(pending, current.hash),
          onStep: this.#onStep,
          check: () => {
            if (!lock.stillOurs() || hashOf(readFileSync(current.path)) !== current.hash)
              throw new MovedOn();
          },
        });
      } catch (error) {
        // A successor clears away what we had in hand, so any failure may only mean that.
        if (!lock.stillOurs()) {
          await this.#leaveToSuccessor(pending, error);
          return;
        }
        if (error instanceof MovedOn || isGone(error)) continue;
        throw promiseStands(error, pending);
      }
      await this.#confirm(pending, hashOf(text));
      return;
    }
    throw promiseStands(
      new StoreError(
        'store_busy',
        `${pending.file} is being written by another program all the time.`,
      ),
      pending,
    );
  }

  /** We were stopped for so long that another has the file now; who comes next keeps every promise first. */
  async #leaveToSuccessor(pending: PendingWrite, cause: unknown): Promise<void> {
    const open = await this.#promises();
    if (!open.some(({ target }) => target === pending.target)) return;
    throw promiseStands(
      new StoreError(
        'store_busy',
        `This process stood still for so long that ${pending.file} was given to another.`,
        { cause },
      ),
      pending,
    );
  }

  async #confirm(pending: PendingWrite, hash: ContentHash): Promise<void> {
    await this.#store.submit({
      kind: 'file.confirm',
      workflow: pending.workflow,
      target: pending.target,
      hash,
    });
  }

  async #underLock<Facts>(
    path: string,
    waitMs: number,
    work: (lock: FileLock) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const acquire = this.options.acquire ?? acquireFileLock;
    const attempt = await acquire(path, { ...this.#lockOptions(file), waitMs });
    if ('held' in attempt) return this.#refuse(await this.#denied(file, attempt.held));
    try {
      this.#onStep('locked');
      return await work(attempt.lock);
    } finally {
      await attempt.lock.release();
    }
  }

  /**
   * For an editor of `path` with unsaved changes: others are shown who has it until it is released. `onLost`
   * when another has come by it; the caller then holds nothing.
   */
  async holdForEdit(
    path: string,
    onLost: () => void,
  ): Promise<Answer<{ readonly lock: FileLock }>> {
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    const attempt = await holdForEdit(path, { ...this.#lockOptions(file), waitMs, onLost });
    if ('held' in attempt) return this.#refuse(await this.#denied(file, attempt.held));
    return { ok: true, at: await this.#store.read('head', {}), facts: { lock: attempt.lock } };
  }

  #lockOptions(file: RelativePath): Omit<FileLockOptions, 'waitMs'> {
    const { agent, session, host, pid } = this.#store.identity;
    const { worktree } = this.#place;
    const process = processIdentity(host, pid);
    return {
      staleMs: this.options.lockStaleMs ?? defaultLockStale,
      notes: join(this.#place.storeFolder, 'lockfiles'),
      process,
      onStep: this.#onStep,
      guard: {
        hold: async (tookOver) => {
          const since = this.options.now();
          const holder = { ...process, agent, session, since, ...(tookOver && { tookOver }) };
          await this.#store.submit({ kind: 'guard.hold', file, worktree, holder });
        },
        // The lock itself is free by now. A row that stays behind keeps nobody out.
        free: async () => {
          await this.#store.submit({ kind: 'guard.free', file, worktree }).catch(() => undefined);
        },
      },
    };
  }

  async #denied(file: RelativePath, held: LockHeld): Promise<Refusal> {
    const state = viewOf(await this.#store.read('state', {}));
    const guard = state.guards.get(guardKey({ file, worktree: this.#place.worktree }));
    const holder: Denial['holder'] =
      guard && !held.foreign
        ? {
            id: guard.holder.session,
            name: guard.holder.agent,
            description: `process ${guard.holder.pid} on ${guard.holder.host}`,
            since: guard.holder.since,
          }
        : {
            id: 'unknown',
            name: 'another program',
            description: `the lock ${file}.lock is not one of Wavelock's`,
            ...(held.since === undefined ? {} : { since: held.since }),
          };
    return {
      code: 'lock_denied',
      message: `${file} is locked by ${holder.name} (${holder.description}). Try again when it is done.`,
      denials: [{ resource: file, holder }],
      retryAfterMs: 1_000,
    };
  }

  async #refuse(refusal: Refusal): Promise<{ ok: false; at: Seq; refusal: Refusal }> {
    return { ok: false, at: await this.#store.read('head', {}), refusal };
  }

  async #promises(): Promise<PendingWrite[]> {
    const all = await this.#store.read('pendingWrites', {});
    return all.filter((pending) => pending.worktree === this.#place.worktree);
  }

  #pathOf(pending: PendingWrite): string {
    return join(this.#place.root, ...pending.file.split('/'));
  }

  /** Named by time and content, so that a person finds it by either; equal content once a second at most. */
  #backupPath(pending: PendingWrite, hash: ContentHash): string {
    const time = localTime(this.options.now()).replaceAll(':', '').replace(' ', 'T');
    return join(
      this.#place.storeFolder,
      'backups',
      fileNameOf(pending.workflow),
      `${time}-${hash.slice(0, 12)}.md`,
    );
  }
}

/** Callers have looked: a file with a plan has a place for it. */
function sayable(answer: EditAnswer): readonly TextEdit[] {
  if (!answer.ok) throw new StoreError('store_gone', answer.message);
  return answer.edits;
}

/** The file changed between our look and our write. */
class MovedOn extends Error {
  override readonly name = 'MovedOn';
}

/** Our temp file, which a successor has cleared away, or the file itself: the next look will tell. */
const isGone = (error: unknown): boolean => isStoreError(error) && error.code === 'store_gone';

function promiseStands(error: unknown, pending: PendingWrite): unknown {
  const fault = fileFault(error, pending.file);
  if (!(fault instanceof StoreError)) return fault;
  return new StoreError(
    fault.code,
    `${fault.message} The wave itself has advanced; ${pending.file} follows as soon as it can be written.`,
    { cause: error },
  );
}

function refusalFor({ file, document }: WorkflowFile): Refusal | undefined {
  if (isValid(document)) return undefined;
  const errors = document.problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return {
    code: 'invalid_workflow',
    message: first
      ? `${file} is not a valid workflow file. Line ${first.line + 1}: ${first.message}${more}`
      : `${file} is not a workflow file.`,
    problems: document.problems,
  };
}

function missing(path: string): Refusal {
  return {
    code: 'unknown_workflow',
    message: `There is no ${workflowFileName} at ${path}. Create one, or go to the folder that has it.`,
  };
}

/** A rename would go past the write protection that somebody has put on the file. */
function refuseWriteProtected(path: string): void {
  let mode: number;
  try {
    ({ mode } = statSync(path));
  } catch (error) {
    throw fileFault(error, path);
  }
  if ((mode & 0o222) !== 0) return;
  throw new StoreError(
    'store_permission',
    `${path} is write-protected. Nothing was changed; make the file writable to advance the wave.`,
  );
}

export function hashOf(content: string | Buffer): ContentHash {
  return createHash('sha256').update(content).digest('hex') as ContentHash;
}

/** Strict, and with the byte order mark kept: text that is decoded here encodes to the same bytes. */
function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return undefined;
    throw error;
  }
}

/** A workflow's id may hold anything; its folder's name may not. */
function fileNameOf(id: string): string {
  const safe = id.replace(/[^\w-]/g, '_').slice(0, 48);
  return safe === id ? safe : `${safe}-${hashOf(id).slice(0, 8)}`;
}

function localTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
