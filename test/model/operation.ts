/**
 * Operations whose id tells the moment at which they are decided. So whoever has the id has everything that the
 * decision knew of the world: the process that decides it, and the plain model that replays it.
 */
import type { OpId } from '../../src/core/model';
import { Speaker, type Moment } from './universe';

const digits = 6;

export const opIdOf = (number: number, moment: Moment): OpId =>
  `op_${String(number).padStart(digits, '0')} ${JSON.stringify(moment)}` as OpId;

/** What it makes has the number of the operation in its name, so the same operation makes the same names. */
export function contextOf(opId: OpId): Speaker {
  const [head, moment] = [opId.slice(0, 3 + digits), opId.slice(4 + digits)];
  const number = head.slice(3);
  let made = 0;
  return new Speaker(JSON.parse(moment) as Moment, (kind) => `${kind}${number}_${(made += 1)}`);
}
