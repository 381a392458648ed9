/**
 * Shell completion, made from the program itself, so that nothing can be missing: a script that knows every command and
 * flag. It runs no program while one types.
 */
import { Argument, type Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What can follow one command. */
export interface Completed {
  /** Its words, from the first: empty for the program itself. */
  readonly path: readonly string[];
  readonly about: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly flags: readonly CompletedFlag[];
}

interface CompletedFlag {
  readonly long: string;
  readonly about: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** The program and every command below it. */
export function completed(command: Command, path: readonly string[] = []): readonly Completed[] {
  const globals = path.length === 0 ? [] : flagsOf(rootOf(command));
  return [
    {
      path,
      about: command.description(),
      commands: command.commands.map((each) => ({ name: each.name(), about: each.description() })),
      flags: [...flagsOf(command), ...globals],
    },
    ...command.commands.flatMap((each) => completed(each, [...path, each.name()])),
  ];
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}

function flagsOf(command: Command): CompletedFlag[] {
  return command.options.flatMap(({ long, description, required, optional, argChoices, hidden }) =>
    typeof long === 'string' && !hidden
      ? [
          {
            long,
            about: description,
            takesValue: required || optional,
            choices: argChoices ?? [],
          },
        ]
      : [],
  );
}

export function completionScript(shell: Shell, root: Command): string {
  return writers[shell](completed(root));
}

const writers: Readonly<Record<Shell, (all: readonly Completed[]) => string>> = { bash, zsh, fish };

/* ------------------------------------------------------------------ bash */

/** The words before the cursor choose the case; a flag that takes a value is passed over with it. */
function bash(all: readonly Completed[]): string {
  return `# wavelock completion bash: eval "$(wavelock completion bash)"
_wavelock() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words="" path="" i word
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${valued(all).join('|')}) ((i++)) ;;
      -*) ;;
      *) case "$path $word" in ${knownPaths(all)}) path="$path $word" ;; esac ;;
    esac
  done
  case "$path:$prev" in
${choiceCases(all)}  esac
  if [[ -z $words ]]; then
    case "$path" in
${wordCases(all)}    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _wavelock wavelock
`;
}

function valued(all: readonly Completed[]): string[] {
  const flags = all.flatMap(({ flags: each }) => each);
  return [...new Set(flags.filter(({ takesValue }) => takesValue).map(({ long }) => long))];
}

function knownPaths(all: readonly Completed[]): string {
  return all
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `" ${path.join(' ')}"`)
    .join('|');
}

function choiceCases(all: readonly Completed[]): string {
  return all
    .flatMap(({ path, flags }) =>
      flags
        .filter(({ choices }) => choices.length > 0)
        .map(
          ({ long, choices }) => `    "${spaced(path)}:${long}") words="${choices.join(' ')}" ;;\n`,
        ),
    )
    .join('');
}

function wordCases(all: readonly Completed[]): string {
  return all
    .map(({ path, commands, flags }) => {
      const words = [...commands.map(({ name }) => name), ...flags.map(({ long }) => long)];
      return `      "${spaced(path)}") words="${words.join(' ')} --help" ;;\n`;
    })
    .join('');
}

function spaced(path: readonly string[]): string {
  return path.map((word) => ` ${word}`).join('');
}

/* ------------------------------------------------------------------ zsh */

function zsh(all: readonly Completed[]): string {
  const cases = all
    .map(({ path, commands, flags }) => {
      const words = [
        ...commands.map(({ name, about }) => described(name, about)),
        ...flags.map(({ long, about }) => described(long, about)),
      ];
      return `    "${spaced(path)}") words=(${words.join(' ')}) ;;\n`;
    })
    .join('');
  const choices = all
    .flatMap(({ path, flags }) =>
      flags
        .filter((flag) => flag.choices.length > 0)
        .map(
          (flag) =>
            `    "${spaced(path)}:${flag.long}") words=(${flag.choices.map((each) => described(each, '')).join(' ')}) ;;\n`,
        ),
    )
    .join('');
  return `#compdef wavelock
# wavelock completion zsh: eval "$(wavelock completion zsh)"
_wavelock() {
  local path_="" word i
  local -a words_before=("\${(@)words[2,CURRENT-1]}") words
  local prev="\${words_before[-1]}"
  words=()
  for ((i = 1; i <= \${#words_before}; i++)); do
    word="\${words_before[i]}"
    case "$word" in
      ${valued(all).join('|')}) ((i++)) ;;
      -*) ;;
      *) case "$path_ $word" in ${knownPaths(all)}) path_="$path_ $word" ;; esac ;;
    esac
  done
  case "$path_:$prev" in
${choices}  esac
  if (( \${#words} == 0 )); then
    case "$path_" in
${cases}    esac
  fi
  _describe 'wavelock' words || _files
}
compdef _wavelock wavelock
`;
}

function described(word: string, about: string): string {
  const text = about === '' ? word : `${word}:${about.replaceAll(':', '\\:')}`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/* ------------------------------------------------------------------ fish */

function fish(all: readonly Completed[]): string {
  const lines = all.flatMap(({ path, commands, flags }) => {
    const here = conditionOf(path, commands);
    return [
      ...commands.map(
        ({ name, about }) => `complete -c wavelock -f -n '${here}' -a ${name} -d ${quoted(about)}`,
      ),
      ...flags
        .filter(() => path.length > 0 || commands.length > 0)
        .map(({ long, about, takesValue, choices }) => {
          const value =
            choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : '';
          return `complete -c wavelock -n '${seen(path)}' -l ${long.slice(2)}${value} -d ${quoted(about)}`;
        }),
    ];
  });
  return `# wavelock completion fish: wavelock completion fish | source
${lines.join('\n')}
`;
}

function conditionOf(path: readonly string[], commands: Completed['commands']): string {
  if (path.length === 0) return '__fish_use_subcommand';
  return `${seen(path)}; and not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`;
}

function seen(path: readonly string[]): string {
  if (path.length === 0) return 'true';
  return path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/* ------------------------------------------------------------------ the command */

export function addCompletionCommand(
  root: Command,
  deliver: (script: string, shell: Shell) => void,
): void {
  root
    .command('completion')
    .description('a script that lets the shell complete commands and flags')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => {
      deliver(completionScript(shell, root), shell);
    });
}
