/** "Export" and "Run Doctor", which the command line does. */
import * as vscode from 'vscode';
import * as z from 'zod/mini';
import { plain, plainIcons } from '../shared/plainText';
import type { Acting } from './acting';
import type { CommandLine } from './commandLine';

const formats = [
  { label: 'JSON', format: 'json', language: 'json' },
  { label: 'CSV', format: 'csv', language: 'csv' },
  { label: 'Markdown', format: 'markdown', language: 'markdown' },
  { label: 'Mermaid', format: 'mermaid', language: 'mermaid' },
] as const;

const Finding = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  what: z.string(),
  fix: z.string(),
  mends: z.optional(z.boolean()),
});
const Report = z.object({ findings: z.array(Finding), fixed: z.array(z.string()) });
type Finding = z.infer<typeof Finding>;

export class Tools {
  constructor(
    private readonly acting: Acting,
    private readonly commandLine: CommandLine,
  ) {}

  /** All that the store holds, as a new document that can be saved anywhere. */
  async export(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const model = await this.acting.folder(vscode.l10n.t('Export which folder?'));
    if (!model) return;
    const chosen = await vscode.window.showQuickPick(
      formats.map((each) => ({ ...each })),
      { title: vscode.l10n.t('Export as') },
    );
    if (!chosen) return;
    const { format, language } = chosen;
    const content = await this.commandLine.run(
      model.folder,
      ['export', '--format', format],
      vscode.l10n.t('Exporting'),
    );
    if (content === undefined) return;
    const known = (await vscode.languages.getLanguages()).includes(language);
    const document = await vscode.workspace.openTextDocument({
      content,
      ...(known ? { language } : {}),
    });
    await vscode.window.showTextDocument(document, { preview: false });
  }

  /** What is not as it should be, what it is known by, and what to do about it. */
  async doctor(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const model = await this.acting.folder(vscode.l10n.t('Look after which folder?'));
    if (model) await this.#examine(model.folder, []);
  }

  async #examine(folder: string, more: readonly string[]): Promise<void> {
    const output = await this.commandLine.run(
      folder,
      ['doctor', '--json', ...more],
      vscode.l10n.t('Looking at store, files and runs'),
    );
    if (output === undefined) return;
    const { findings, fixed } = Report.parse(JSON.parse(output));
    const mendable = findings.filter(({ mends }) => mends === true).length;
    const mend = {
      label: `$(wrench) ${vscode.l10n.t('Mend what can be mended')}`,
      description: vscode.l10n.t('{0} of {1}', mendable, findings.length),
      mend: true,
    };
    const items: (vscode.QuickPickItem & { readonly mend?: boolean })[] = [
      ...(mendable > 0 ? [mend] : []),
      ...findings.map((finding) => ({
        label: `$(${iconOf(finding)}) ${plainIcons(plain(finding.what))}`,
        description: finding.code,
        detail: plainIcons(plain(finding.fix, 1_000)),
      })),
    ];
    if (items.length === 0) items.push({ label: `$(pass) ${vscode.l10n.t('All is well')}` });
    const title =
      fixed.length > 0
        ? vscode.l10n.t('Doctor: {0} mended', fixed.length)
        : vscode.l10n.t('Doctor: {0} found', findings.length);
    const picked = await vscode.window.showQuickPick(items, { title, matchOnDetail: true });
    if (picked?.mend === true) await this.#examine(folder, ['--fix']);
  }
}

function iconOf({ severity }: Finding): string {
  return severity === 'info' ? 'info' : severity;
}
