/** Reserves one name again and again, and tells whether it was ever taken from it: `reserveChild.js PATH ROUNDS`. */
import { statSync } from 'node:fs';
import { discard, inodeOf, reserveTemp } from '../../src/store/durableFs';

const [path = '', rounds = '0'] = process.argv.slice(2);
/** For others to come in between. */
const looks = 20;

let won = 0;
let taken = 0;
for (let round = 0; round < Number(rounds); round += 1) {
  if (!reserveTemp(path)) continue;
  won += 1;
  const inode = inodeOf(path);
  for (let look = 0; look < looks; look += 1) statSync(path, { throwIfNoEntry: false });
  if (inode === undefined || inodeOf(path) !== inode) taken += 1;
  else discard(path);
}
process.stdout.write(JSON.stringify({ won, taken }));
