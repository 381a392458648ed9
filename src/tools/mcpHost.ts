/** What the MCP server is given of this program: its commands, and a session in the store. */
import type { CommandLine, Host } from './commandLine';
import type { Document, McpHost } from './mcp/server';
import { RunnerStore } from './runnerStore';

export async function serveMcp(
  { host, workplace }: CommandLine,
  again: (host: Host) => Promise<number>,
): Promise<void> {
  const { folder, store, agent, warn } = workplace();
  const where = [`--cwd=${folder}`, ...(store === undefined ? [] : [`--store=${store}`])];
  const call = async (
    speaker: string,
    argv: readonly string[],
    ending: AbortSignal,
  ): Promise<Document> => {
    let out = '';
    await again({
      argv: ['--json', ...where, `--agent=${speaker}`, ...argv],
      env: host.env,
      cwd: host.cwd,
      version: host.version,
      columns: undefined,
      out: (text) => {
        out += text;
      },
      err: (text) => {
        host.err(text);
      },
      ending,
    });
    // Nothing is printed by a call that was given up.
    return out === '' ? givenUp : (JSON.parse(out) as Document);
  };
  const open = (speaker: string): Promise<RunnerStore> =>
    RunnerStore.open({ ...workplace(), agent: speaker }, { kind: 'mcp', resident: true });
  await loaded().serve({ version: host.version, agent, call, open, warn, ending: host.ending });
}

const givenUp: Document = {
  v: 1,
  ok: false,
  error: { code: 'interrupted', message: 'The call was given up before it was answered.' },
};

function loaded(): { readonly serve: (host: McpHost) => Promise<void> } {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a bundle of its own, for this command only
  return require('./mcp.js') as { readonly serve: (host: McpHost) => Promise<void> };
}
