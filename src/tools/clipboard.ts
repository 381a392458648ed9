/** To the clipboard of whatever platform this is; a file where there is none. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Copied =
  | { readonly to: 'clipboard'; readonly by: string }
  | { readonly to: 'file'; readonly path: string };

/** Programs that take it on their standard input, the likeliest first. */
export function clipboardPrograms(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly (readonly [string, ...string[]])[] {
  if (platform === 'darwin') return [['pbcopy']];
  if (platform === 'win32') return [['clip']];
  const wayland = env['WAYLAND_DISPLAY'] ? [['wl-copy'] as const] : [];
  const x11 = env['DISPLAY']
    ? ([
        ['xclip', '-selection', 'clipboard'],
        ['xsel', '--clipboard', '--input'],
      ] as const)
    : [];
  // In the Linux of Windows, the clipboard is that of Windows.
  const windows = env['WSL_DISTRO_NAME'] ? [['clip.exe'] as const] : [];
  const android = env['TERMUX_VERSION'] ? [['termux-clipboard-set'] as const] : [];
  return [...wayland, ...x11, ...windows, ...android];
}

export async function copy(
  text: string,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Copied> {
  for (const [program, ...flags] of clipboardPrograms(process.platform, env)) {
    if (await takes(program, flags, text)) return { to: 'clipboard', by: program };
  }
  const path = join(mkdtempSync(join(tmpdir(), 'wavelock-')), name);
  writeFileSync(path, text, { mode: 0o600 });
  return { to: 'file', path };
}

/** Not waited for by its streams: those of xclip stay open as long as it holds the selection. */
function takes(program: string, flags: readonly string[], text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, flags, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.once('error', () => {
      resolve(false);
    });
    child.once('exit', (code) => {
      resolve(code === 0);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(text);
  });
}
