/**
 * May this lock be taken over, and why. Pure: what was seen and what is known go in, a verdict comes out.
 *
 * A process that is provably gone frees its lock at once. Everything else takes `stale`, counted so that
 * neither a jump of the clock nor a slow machine takes a lock from a holder that can be seen to live.
 */
import type { BootId, Liveness, ProcessIdentity, Takeover } from '../core/model';

/** What stands at the path of the lock. */
export interface Sight {
  /** Not a folder: another tool's lock. */
  readonly foreign: boolean;
  /** Last sign of life, on the wall clock. */
  readonly since: number;
  readonly ageMs: number;
  /** For how long we ourselves have seen it without any sign of life; needs no wall clock. */
  readonly unchangedMs: number;
}

/** Where the judge stands. */
export interface Witness {
  readonly host: string;
  readonly bootId: BootId;
  readonly bootedAt: number;
  liveness(process: ProcessIdentity): Liveness;
}

export type Verdict =
  | { readonly take: true; readonly why: Takeover['why'] }
  | {
      readonly take: false;
      readonly why: 'foreign' | 'alive' | 'unknown';
      /** When it would be stale if nothing happens; never for a foreign one. */
      readonly againMs: number;
    };

export function judge(
  sight: Sight,
  /** Who made this very folder. */
  maker: ProcessIdentity | undefined,
  witness: Witness,
  staleMs: number,
): Verdict {
  if (sight.foreign) return { take: false, why: 'foreign', againMs: Infinity };
  const life = maker ? witness.liveness(maker) : 'unknown';
  if (life === 'gone') return { take: true, why: 'process-gone' };
  if (maker && endedWithItsBoot(maker, witness) && sight.since < witness.bootedAt)
    return { take: true, why: 'other-boot' };

  // One that can be seen to live is only stopped or slow, or our clock has jumped: believe our own watch.
  const silentMs = life === 'alive' ? sight.unchangedMs : Math.max(sight.ageMs, sight.unchangedMs);
  if (silentMs >= staleMs) return { take: true, why: 'stale' };
  return {
    take: false,
    why: life === 'alive' ? 'alive' : 'unknown',
    againMs: staleMs - silentMs,
  };
}

/** Whether nobody needs to know of this process any more. */
export function hasEnded(process: ProcessIdentity, witness: Witness): boolean {
  return witness.liveness(process) === 'gone' || endedWithItsBoot(process, witness);
}

/**
 * Not proof enough for a lock: two machines may bear the same name and share a folder. The lock must also have
 * been silent since before our boot; the other machine's would have given a sign of life in the meantime.
 */
function endedWithItsBoot(process: ProcessIdentity, witness: Witness): boolean {
  return process.host === witness.host && process.bootId !== witness.bootId;
}
