/**
 * What this machine and this process are, for beats and evidence. Linux gives a boot id, a pid namespace,
 * start times and a monotonic clock that all processes share; elsewhere the boot is unknown to everyone but
 * this process, so nothing of another process is ever judged by it.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { chance } from './chance';
import type { BootId, Liveness, ProcessIdentity } from '../core/model';

const linux = process.platform === 'linux';
const bootId = (
  linux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : chance(8).toString('hex')
) as BootId;
const pidNamespace = linux ? readlinkSync('/proc/self/ns/pid') : '';

export const thisBoot = { bootId, pidNamespace, sharedMono: linux } as const;

/** Wall time at which this machine started, as its clock stands now. */
export const bootedAt = (): number => Date.now() - uptime() * 1_000;

/** Milliseconds of the clock that stops in suspend. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export function processIdentity(host: string, pid: number): ProcessIdentity {
  return { host, bootId, pidNamespace, pid, startTime: startTimeOf(pid) ?? '' };
}

export function liveness(identity: ProcessIdentity): Liveness {
  if (!linux || identity.bootId !== bootId || identity.pidNamespace !== pidNamespace)
    return 'unknown';
  const started = startTimeOf(identity.pid);
  if (started === undefined && hidden(identity.pid)) return 'unknown';
  return started !== undefined && started === identity.startTime ? 'alive' : 'gone';
}

/** `/proc` mounted with hidepid shows no process of another user, however alive; a signal still finds it. */
function hidden(pid: number): boolean {
  if (existsSync(`/proc/${pid}`)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Field 22 of `/proc/PID/stat`; the name in field 2 may hold anything, so count from its closing bracket. */
function startTimeOf(pid: number): string | undefined {
  if (!linux) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
