/**
 * Whether a folder lies on this machine's own disk. Across machines there is no shared memory, so no write-ahead
 * log; and locks and flushes are as good as the server's.
 *
 * Not detected: a network behind a file system in user space that calls itself local; on macOS and Windows the
 * server's own view of a folder that it exports.
 */
import { realpathSync, statfsSync } from 'node:fs';

/** Null for a local disk; else what the file system is called. */
export type Network = string | null;

/** What can be asked about a folder; a test has its own answers. */
export interface MountQuestions {
  readonly platform: NodeJS.Platform;
  /** The number of the file system's kind, as the kernel has it. */
  fileSystem(folder: string): number;
  /** With mapped drives resolved. */
  realPath(folder: string): string;
  /** What `/sbin/mount` prints. */
  mounts(): string;
}

/** Numbers of Linux, from `statfs(2)` and the file systems' own sources. */
const linuxNetworks: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  // sshfs, virtiofs, rclone, Docker Desktop's shares: what is behind it, it does not say.
  [0x65735546, 'FUSE'],
  [0x786f4256, 'VirtualBox shared folder'],
  [0xbacbacbc, 'VMware shared folder'],
  [0x7c7c6673, 'Parallels shared folder'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
]);

const macNetworks = /^(nfs|smbfs|afpfs|webdav|ftp|cifs|.*fuse.*)$/;

export function networkOf(folder: string, ask: MountQuestions = thisMachine): Network {
  const { platform } = ask;
  if (platform === 'linux' || platform === 'android') {
    // Some kernels give the number with its sign extended.
    return linuxNetworks.get(ask.fileSystem(folder) >>> 0) ?? null;
  }
  if (platform === 'darwin') {
    // Numbers are given out as file systems are loaded; that of the root is a local disk's.
    if (ask.fileSystem(folder) === ask.fileSystem('/')) return null;
    const kind = macMount(ask.mounts(), ask.realPath(folder));
    return kind !== undefined && macNetworks.test(kind) ? kind : null;
  }
  if (platform === 'win32' && isShare(ask.realPath(folder))) return 'network share';
  return null;
}

/** `\\server\share`, and not `\\?\C:\`, which is a long name of something local. */
function isShare(path: string): boolean {
  return /^\\\\(?:\?\\UNC\\|(?![?.]\\))/.test(path);
}

/** The kind of the longest mount point above the folder: `//me@server/share on /Volumes/share (smbfs, nodev)`. */
function macMount(mounts: string, folder: string): string | undefined {
  let [longest, kind]: [number, string | undefined] = [-1, undefined];
  for (const [, point = '', found] of mounts.matchAll(/^.+? on (.+) \((\w+)[,)]/gm)) {
    const within = point === '/' || folder === point || folder.startsWith(`${point}/`);
    if (!within || point.length <= longest) continue;
    [longest, kind] = [point.length, found];
  }
  return kind;
}

const thisMachine: MountQuestions = {
  platform: process.platform,
  fileSystem: (folder) => statfsSync(folder).type,
  realPath: (folder) => realpathSync.native(folder),
  // Loaded where it is needed, which is on macOS only: it is a good part of what a short call costs.
  mounts: () =>
    process
      .getBuiltinModule('node:child_process')
      .execFileSync('/sbin/mount', { encoding: 'utf8', timeout: 2_000 }),
};
