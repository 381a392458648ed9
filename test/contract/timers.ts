import type { Schedule } from '../../src/store/upkeep';

/** Timers that a test lets go off. */
export class Timers {
  readonly due = new Map<symbol, { readonly work: () => void; readonly afterMs: number }>();
  readonly schedule: Schedule = (work, afterMs) => {
    const key = Symbol('timer');
    this.due.set(key, { work, afterMs });
    return () => {
      this.due.delete(key);
    };
  };

  /** All that are due after this long at most. */
  goOff(afterMs: number): void {
    for (const [key, timer] of [...this.due]) {
      if (timer.afterMs > afterMs) continue;
      this.due.delete(key);
      timer.work();
    }
  }
}
