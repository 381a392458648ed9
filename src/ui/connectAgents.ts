/**
 * "Connect AI Agents": which agents, what that changes in which files, and then, only when asked again, the change.
 * The command line plans and writes; here it is asked, shown and decided.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod/mini';
import { agentNames, connectableIn, connections } from '../tools/connect';
import { mention, type Acting } from './acting';
import type { CommandLine } from './commandLine';
import { ShownTexts } from './shownTexts';

const Plan = z.object({
  agents: z.array(z.enum(agentNames)),
  files: z.array(
    z.object({
      file: z.string(),
      change: z.enum(['create', 'edit', 'none']),
      removed: z.array(z.string()),
      added: z.array(z.string()),
    }),
  ),
  paste: z.array(
    z.object({ agent: z.enum(agentNames), file: z.string(), text: z.string(), why: z.string() }),
  ),
});
type Plan = z.infer<typeof Plan>;

export class ConnectAgents implements vscode.Disposable {
  readonly #texts = new ShownTexts('wavelock-plan');

  constructor(
    private readonly acting: Acting,
    private readonly commandLine: CommandLine,
  ) {}

  dispose(): void {
    this.#texts.dispose();
  }

  async run(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const model = await this.acting.folder(vscode.l10n.t('Connect the agents of which folder?'));
    if (!model) return;
    const { root } = model.place;
    const used = connectableIn((file) => existsSync(join(root, file)));
    const items = agentNames.map((agent) => ({
      label: connections[agent].title,
      description: used.includes(agent) ? vscode.l10n.t('has left its traces here') : '',
      picked: used.includes(agent),
      agent,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t('Connect which agents? The next step shows what it changes.'),
      canPickMany: true,
    });
    if (!chosen || chosen.length === 0) return;
    const agents = chosen.map(({ agent }) => agent);
    const plan = await this.#ask(model.folder, [...agents, '--preview']);
    if (plan && (await this.#decide(plan))) {
      const done = await this.#ask(model.folder, agents);
      if (done) mention(vscode.l10n.t('Connected {0}', titlesOf(done)));
    }
  }

  async #ask(folder: string, args: readonly string[]): Promise<Plan | undefined> {
    const title = vscode.l10n.t('Connecting agents');
    const output = await this.commandLine.run(folder, ['connect', ...args, '--json'], title);
    return output === undefined ? undefined : Plan.parse(JSON.parse(output));
  }

  /** Whether there is anything to write, and it shall be. */
  async #decide(plan: Plan): Promise<boolean> {
    const changes = plan.files.filter(({ change }) => change !== 'none');
    if (changes.length === 0 && plan.paste.length === 0) {
      this.acting.explanations.nothing(vscode.l10n.t('Connected already: {0}', titlesOf(plan)));
      return false;
    }
    const shown = this.#texts.show('Connect AI Agents.diff', textOf(plan));
    await vscode.window.showTextDocument(shown, { preview: true, preserveFocus: true });
    if (changes.length === 0) return false;
    const write = {
      label: `$(check) ${vscode.l10n.t('Write these files')}`,
      description: changes.map(({ file }) => file).join(', '),
      write: true,
    };
    const leave = {
      label: `$(close) ${vscode.l10n.t('Leave everything as it is')}`,
      description: '',
      write: false,
    };
    const decided = await vscode.window.showQuickPick([write, leave], {
      title: vscode.l10n.t('Connect {0} as shown?', titlesOf(plan)),
      ignoreFocusOut: true,
    });
    return decided?.write === true;
  }
}

function titlesOf({ agents }: Plan): string {
  return agents.map((agent) => connections[agent].title).join(', ');
}

/** As a diff, which an editor colours; of texts for other places, the text itself. */
function textOf({ files, paste }: Plan): string {
  const changes = files.map(({ file, change, removed, added }) => {
    if (change === 'none') return [vscode.l10n.t('{0} says so already.', file)];
    const before = change === 'create' ? '/dev/null' : `a/${file}`;
    return [
      `--- ${before}`,
      `+++ b/${file}`,
      ...removed.map((line) => `-${line}`),
      ...added.map((line) => `+${line}`),
    ];
  });
  const byHand = paste.map(({ agent, file, text, why }) => [
    vscode.l10n.t('{0}: put this into {1} by hand. {2}', connections[agent].title, file, why),
    '',
    text,
  ]);
  return [...changes, ...byHand].map((lines) => lines.join('\n')).join('\n\n') + '\n';
}
