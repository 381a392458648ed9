/** What every part of the command line shares: documents, exit codes, and how an answer is delivered. */
import type { Command } from 'commander';
import type { FaultCode } from '../core/errors';
import type { Refusal, RefusalCode, Seq } from '../core/model';
import type { Look } from './terminal';
import type { Workplace } from './workplace';

export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  /** Width of the terminal; undefined when the output goes elsewhere. */
  readonly columns: number | undefined;
  out(text: string): void;
  err(text: string): void;
  /**
   * Aborted with `Interrupted` when the process is told to end, or nobody reads what it prints. Whoever takes it
   * must end then; a command that does not is ended as any program is.
   */
  readonly ending: AbortSignal;
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  /** @param exitCode as a shell has it: 128 and the number of the signal; 0 when the reader of our output has gone */
  constructor(readonly exitCode: number) {
    super('The command was interrupted.');
  }
}

export const exitCode = { ok: 0, refused: 1, usage: 2, fault: 3, later: 4 } as const;

const worthAnotherTry: ReadonlySet<RefusalCode> = new Set([
  'nothing_queued',
  'timeout',
  'no_slot',
  'lock_denied',
  'rate_limited',
]);

/** Granted, as far as every document has it. */
export interface Done {
  readonly ok: true;
  readonly at: Seq;
}

export interface Refused {
  readonly ok: false;
  readonly at: Seq;
  readonly refusal: Refusal;
}

export interface Failed {
  readonly ok: false;
  readonly error: { readonly code: FaultCode | 'bad_usage'; readonly message: string };
}

/** What `--json` prints, but for its `v`. */
export type Document = { readonly ok: true } | Refused | Failed;

export function refused(refusal: Refusal, at: Seq): Refused {
  return { ok: false, at, refusal };
}

/** Told once: as one document, or as text for people by `show`, to whom a refusal is always shown the same way. */
export type Deliver = <Answered extends Document>(
  document: Answered,
  show: (granted: Extract<Answered, { readonly ok: true }>, look: Look) => string,
  /** Of a refusal, where it is not that of its code. */
  refusedExit?: number,
) => void;

/** What adds commands to the program is handed this. */
export interface CommandLine {
  readonly host: Host;
  readonly workplace: () => Workplace;
  readonly deliver: Deliver;
  /** Decides the exit code, where a document does not. */
  readonly leave: (code: number) => void;
  /** What people are told beside the answer looks like this. */
  readonly look: () => Look;
  /** The second word of the call: of a group of commands, only what it may mean has to be made. */
  readonly subcommand: string | undefined;
  /** One document is printed, and people are told nothing. */
  readonly json: boolean;
}

export interface CommandGroup {
  /** First words of its commands. */
  readonly names: readonly string[];
  readonly add: (root: Command, commandLine: CommandLine) => void;
}

export function exitCodeOf(document: Document): number {
  if (document.ok) return exitCode.ok;
  if ('error' in document)
    return document.error.code === 'bad_usage' ? exitCode.usage : exitCode.fault;
  return worthAnotherTry.has(document.refusal.code) ? exitCode.later : exitCode.refused;
}
