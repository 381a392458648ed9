import { chance } from './chance';

// Without i, l, o and u: an id read aloud or copied by hand stays the same id.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** `run_7h2k9m4qxe`: a prefix that says what it names, and ten characters of chance. */
export function newId(
  prefix: 'run' | 'ses' | 'op' | 'agt' | 'lck' | 'wtr' | 'edt' | 'cfl',
): string {
  return `${prefix}_${[...chance(10)].map((byte) => alphabet.charAt(byte % 32)).join('')}`;
}
