/**
 * What a disk holds after a power cut. Calls of the writer are recorded while they really happen; a cut then
 * keeps what was flushed, and of the rest as much as chance says: names that were made, changed or removed, each
 * for itself, and contents whole, empty, zeroed or cut anywhere.
 *
 * Not modelled: folders (they are there at once), and flushed data that comes back otherwise.
 */
import { dirname } from 'node:path';
import { disk, type FileOps } from '../../src/store/durableFs';

type Call =
  | { readonly do: 'create'; readonly path: string; readonly content: Buffer }
  | { readonly do: 'flush'; readonly path: string }
  | { readonly do: 'flushFolder'; readonly folder: string }
  | { readonly do: 'link' | 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'remove'; readonly path: string }
  /** A person's save; people are not asked to survive a power cut here, so it is on the disk at once. */
  | { readonly do: 'saved'; readonly path: string; readonly content: Buffer };

interface Inode {
  readonly content: Buffer;
  flushed: boolean;
}

/** A change of names that is on the disk when its folder was flushed. */
interface NameChange {
  readonly folder: string;
  readonly names: readonly (readonly [path: string, inode: Inode | undefined])[];
}

export type Contents = ReadonlyMap<string, Buffer>;

export class RecordingDisk implements FileOps {
  readonly calls: Call[] = [];

  /**
   * @param before what is on the disk when the recording begins
   * @param links false for a disk that knows none, or has the backups on another device
   */
  constructor(
    readonly before: Contents,
    private readonly links: boolean,
  ) {}

  create(path: string, content: string | Uint8Array, mode: number): void {
    disk.create(path, content, mode);
    this.calls.push({ do: 'create', path, content: Buffer.from(content) });
  }

  flush(path: string): void {
    disk.flush(path);
    this.calls.push({ do: 'flush', path });
  }

  flushFolder(folder: string): void {
    disk.flushFolder(folder);
    this.calls.push({ do: 'flushFolder', folder });
  }

  makeFolder(folder: string, within?: string): void {
    disk.makeFolder(folder, within);
  }

  link(from: string, to: string): void {
    if (!this.links) throw Object.assign(new Error('no links here'), { code: 'EXDEV' });
    disk.link(from, to);
    this.calls.push({ do: 'link', from, to });
  }

  rename(from: string, to: string): void {
    disk.rename(from, to);
    this.calls.push({ do: 'rename', from, to });
  }

  remove(path: string): void {
    disk.remove(path);
    this.calls.push({ do: 'remove', path });
  }

  touch(path: string): void {
    disk.touch(path);
  }

  saved(path: string, content: string): void {
    this.calls.push({ do: 'saved', path, content: Buffer.from(content) });
  }

  /** What `path` held, one content after the other, each with the number of calls that it took. */
  contentsOf(path: string): { readonly after: number; readonly content: Buffer }[] {
    const made = new Map<string, Buffer>();
    const held = [{ after: 0, content: this.before.get(path) ?? Buffer.alloc(0) }];
    this.calls.forEach((call, index) => {
      if (call.do === 'create') made.set(call.path, call.content);
      const content =
        call.do === 'rename' && call.to === path
          ? made.get(call.from)
          : call.do === 'saved' && call.path === path
            ? call.content
            : undefined;
      if (content) held.push({ after: index + 1, content });
    });
    return held;
  }

  /** After the first `count` calls the power fails. */
  cut(count: number, random: () => number): Contents {
    const now = new Map<string, Inode>();
    for (const [path, content] of this.before) now.set(path, { content, flushed: true });
    const durable = new Map(now);
    let open: NameChange[] = [];
    const change = (folder: string, names: NameChange['names']): void => {
      open.push({ folder, names });
      apply(now, names);
    };
    for (const call of this.calls.slice(0, count)) {
      switch (call.do) {
        case 'create':
          change(dirname(call.path), [[call.path, { content: call.content, flushed: false }]]);
          break;
        case 'saved': {
          const inode = { content: call.content, flushed: true };
          // Names that were changed before are on the disk no later than this one.
          for (const { names } of open.filter(({ folder }) => folder === dirname(call.path)))
            apply(durable, names);
          open = open.filter(({ folder }) => folder !== dirname(call.path));
          now.set(call.path, inode);
          durable.set(call.path, inode);
          break;
        }
        case 'flush': {
          const inode = now.get(call.path);
          if (inode) inode.flushed = true;
          break;
        }
        case 'flushFolder':
          for (const { names } of open.filter(({ folder }) => folder === call.folder))
            apply(durable, names);
          open = open.filter(({ folder }) => folder !== call.folder);
          break;
        case 'link':
          change(dirname(call.to), [[call.to, now.get(call.from)]]);
          break;
        case 'rename':
          change(dirname(call.to), [
            [call.from, undefined],
            [call.to, now.get(call.from)],
          ]);
          break;
        case 'remove':
          change(dirname(call.path), [[call.path, undefined]]);
      }
    }
    return left(durable, open, random);
  }
}

function apply(names: Map<string, Inode>, changes: NameChange['names']): void {
  for (const [path, inode] of changes) {
    if (inode) names.set(path, inode);
    else names.delete(path);
  }
}

/** Half of the cuts keep the changes of names up to one of them, as a journal does; the others any of them. */
function left(
  durable: Map<string, Inode>,
  open: readonly NameChange[],
  random: () => number,
): Contents {
  const inOrder = random() < 0.5;
  const reached = Math.floor(random() * (open.length + 1));
  open.forEach(({ names }, index) => {
    if (inOrder ? index < reached : random() < 0.5) apply(durable, names);
  });
  const remains = new Map<Inode, Buffer>();
  const contents = new Map<string, Buffer>();
  for (const [path, inode] of durable) {
    const content = remains.get(inode) ?? remainder(inode, random);
    remains.set(inode, content);
    contents.set(path, content);
  }
  return contents;
}

function remainder({ content, flushed }: Inode, random: () => number): Buffer {
  if (flushed) return content;
  const chance = random();
  if (chance < 0.25) return content;
  if (chance < 0.5) return Buffer.alloc(0);
  if (chance < 0.75) return Buffer.alloc(content.length);
  return content.subarray(0, Math.floor(random() * content.length));
}
