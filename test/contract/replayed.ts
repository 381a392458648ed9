/**
 * Judges a history again that a failing suite has left: `node out/test/contract/replayed.js FILE`. Says what was
 * answered, in the order of decisions as far as it is known, and where no order is left that explains it.
 */
import { readFileSync } from 'node:fs';
import { Universe } from '../model/universe';
import { History, type Exchange, type Round } from './history';

const rounds = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Round[];
const history = new History(new Universe());

const lineOf = ({ voice, command, answer }: Exchange): string => {
  const { kind, ...about } = command;
  const said = answer.ok ? 'granted' : `${answer.refusal.code}: ${answer.refusal.message}`;
  return `  ${String(answer.at).padStart(4)} ${voice} ${kind} ${JSON.stringify(about)} → ${said}`;
};

for (const [number, round] of rounds.entries()) {
  console.log(`round ${number}`);
  const inOrder = [...round.exchanges].sort((one, other) => one.answer.at - other.answer.at);
  for (const exchange of inOrder) console.log(lineOf(exchange));
  for (const { seq, kind, opId } of round.events)
    console.log(`    event ${seq} ${kind} by ${opId.split(' ')[0] ?? ''}`);
  try {
    history.judge(round);
  } catch (error) {
    console.log(String(error));
    process.exitCode = 1;
    break;
  }
}
