/**
 * Which command a call means, before anything that could parse it is loaded: the first word that is neither a global
 * flag nor the value of one.
 */
const withValue: ReadonlySet<string> = new Set(['--cwd', '--agent', '--store', '--op-id']);

export function commandWord(argv: readonly string[]): string | undefined {
  return commandWords(argv)[0];
}

/** The first, and the second as far as it is known without the flags of the first. */
export function commandWords(argv: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (word === '--' || words.length === 2) return words;
    if (!word.startsWith('-')) words.push(word);
    else if (withValue.has(word)) index += 1;
  }
  return words;
}

/** Asked for so often, by agents and hooks, that they have a small program of their own. */
export const quickCommands: ReadonlySet<string> = new Set(['run', 'lock', 'agent', 'config']);
