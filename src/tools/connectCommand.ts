/** `wavelock connect`: shows what would be changed for which agents, and changes it. */
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { StoreError } from '../core/errors';
import type { Refusal } from '../core/model';
import { createFile, disk, makeFolder } from '../store/durableFs';
import { fileFault } from '../store/fileFault';
import { newId } from '../store/newId';
import { refused, type Done, type Refused } from './commandLine';
import {
  agentNames,
  connectableIn,
  connections,
  planConnect,
  type ConnectableAgent,
  type ConnectPlan,
  type Launch,
  type Paste,
  type PlannedFile,
} from './connect';
import { painter, printable, type Look } from './terminal';
import { locate, type Workplace } from './workplace';

export type ConnectDocument =
  | (Done & {
      readonly agents: readonly ConnectableAgent[];
      /** Only shown. */
      readonly preview: boolean;
      readonly files: readonly {
        readonly file: string;
        readonly change: PlannedFile['change'];
        readonly removed: readonly string[];
        readonly added: readonly string[];
      }[];
      readonly paste: readonly Paste[];
    })
  | (Refused & { readonly paste?: readonly Paste[] });

export const launchByName: Launch = { command: 'wavelock', args: ['mcp'] };

export function connect(
  workplace: Workplace,
  { agents, preview }: { readonly agents: readonly string[]; readonly preview: boolean },
  launch: Launch = launchByName,
): ConnectDocument {
  const { place } = locate(workplace);
  const { root } = place;
  const unknown = agents.find((name) => !isConnectable(name));
  if (unknown !== undefined) {
    return unfit(`agent: There is no ${unknown}. There is ${agentNames.join(', ')}.`);
  }
  const chosen = agents.filter(isConnectable);
  const used = chosen.length > 0 ? chosen : connectableIn((file) => existsSync(join(root, file)));
  if (used.length === 0) {
    return unfit(
      `agent: No agent has left a trace in ${root}. Name those to connect: ${agentNames.join(', ')}.`,
    );
  }
  let outside: string | undefined;
  const read = (file: string): string | undefined => {
    const path = join(root, file);
    if (!staysIn(root, path)) outside = file;
    return outside === undefined ? textOf(path) : undefined;
  };
  const plan = planConnect([...new Set(used)], read, launch);
  if (outside !== undefined) {
    return unfit(`file: ${outside} leads out of ${root}, and is left alone.`, 'file');
  }
  const damaged = plan.paste.filter(({ file }) => !file.startsWith('~'));
  if (damaged.length > 0) {
    const message = `file: ${damaged.map(({ file, why }) => `${file}: ${why}`).join(' ')} Nothing was changed; put it there by hand.`;
    return { ...unfit(message, 'file'), paste: damaged };
  }
  if (!preview) apply(root, plan);
  return {
    ok: true,
    at: 0,
    agents: [...new Set(used)],
    preview,
    files: plan.files.map(({ file, change, before, after }) => ({
      file,
      change,
      ...difference(before ?? '', after),
    })),
    paste: plan.paste,
  };
}

function isConnectable(name: string): name is ConnectableAgent {
  return (agentNames as readonly string[]).includes(name);
}

function unfit(message: string, path = 'agent'): Refused {
  const refusal: Refusal = { code: 'bad_input', message, path };
  return refused(refusal, 0);
}

/** Links of the repository lead nowhere else. */
function staysIn(root: string, path: string): boolean {
  for (let at = path; at !== root && at.startsWith(root); at = dirname(at)) {
    if (!lstatSync(at, { throwIfNoEntry: false })) continue;
    try {
      const real = realpathSync(at);
      return real === root || real.startsWith(`${root}${sep}`);
    } catch (error) {
      // A link to nothing would be made something by a write.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
  return true;
}

function textOf(path: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new StoreError('store_io', `${path} is not UTF-8. Wavelock leaves it alone.`);
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileFault(error, path);
  }
}

/** Each file whole or not at all. */
function apply(root: string, { files }: ConnectPlan): void {
  for (const { file, change, before, after } of files) {
    if (change === 'none') continue;
    const path = join(root, file);
    try {
      if (change === 'create') {
        makeFolder(dirname(path));
        if (!createFile(path, after, disk)) throw changedMeanwhile(file);
      } else replace(realpathSync(path), file, before ?? '', after);
    } catch (error) {
      throw fileFault(error, path);
    }
  }
}

function replace(path: string, file: string, before: string, after: string): void {
  const temp = `${path}.${newId('op')}.tmp`;
  try {
    disk.create(temp, after, statSync(path).mode);
    disk.flush(temp);
    if (textOf(path) !== before) throw changedMeanwhile(file);
    disk.rename(temp, path);
  } catch (error) {
    disk.remove(temp);
    throw error;
  }
  disk.flushFolder(dirname(path));
}

function changedMeanwhile(file: string): StoreError {
  return new StoreError('store_busy', `${file} has just been changed by somebody else; try again.`);
}

/** Every plan changes one stretch of a file, or adds to its end. */
function difference(
  before: string,
  after: string,
): { readonly removed: readonly string[]; readonly added: readonly string[] } {
  const [old, now] = [before, after].map((text) => text.split(/\r\n|\r|\n/)) as [
    string[],
    string[],
  ];
  let top = 0;
  while (top < old.length && top < now.length && old[top] === now[top]) top += 1;
  let bottom = 0;
  while (
    bottom < Math.min(old.length, now.length) - top &&
    old[old.length - 1 - bottom] === now[now.length - 1 - bottom]
  ) {
    bottom += 1;
  }
  return {
    removed: old.slice(top, old.length - bottom),
    added: now.slice(top, now.length - bottom),
  };
}

/* ------------------------------------------------------------------ for people */

export function showConnect(
  document: Extract<ConnectDocument, { ok: true }>,
  { paint }: Pick<Look, 'paint'> = { paint: painter(false) },
): string {
  const lines = document.files.flatMap(({ file, change, removed, added }) => [
    `${paint.bold(file)}  ${told[change]}`,
    ...(change === 'none' ? [] : removed.map((line) => `  - ${printable(line)}`)),
    ...(change === 'none' ? [] : added.map((line) => `  + ${printable(line)}`)),
  ]);
  for (const { agent, file, text, why } of document.paste) {
    lines.push(
      `${paint.bold(file)}  for ${connections[agent].title}, to be put there by hand. ${why}`,
    );
    lines.push(...text.split('\n').map((line) => `  | ${line}`));
  }
  const names = document.agents.map((agent) => connections[agent].title).join(', ');
  lines.push(document.preview ? `Nothing was changed. Connects ${names}.` : `Connected ${names}.`);
  return `${lines.join('\n')}\n`;
}

const told: Record<PlannedFile['change'], string> = {
  create: 'is new',
  edit: 'is changed',
  none: 'has it already',
};
