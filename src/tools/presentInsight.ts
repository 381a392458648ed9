/** Events, findings and exports as people get to see them. */
import type { StoredEvent } from '../core/model';
import type { DoctorDocument, Finding } from './doctor';
import type { ExportDocument } from './exportCommand';
import type { GuardDocument } from './guardCommand';
import type { LogDocument } from './logCommands';
import { prometheus, type MetricsDocument } from './metricsCommand';
import { clock, counted, printable, type Look } from './terminal';

type Granted<Document> = Extract<Document, { readonly ok: true }>;

export function showLog({ events, more }: Granted<LogDocument>, look: Look): string {
  if (events.length === 0) return 'Nothing has happened.\n';
  const after = more ? look.paint.dim(`More: --since ${events.at(-1)?.seq ?? 0}\n`) : '';
  return `${events.map((event) => eventLine(event, look)).join('')}${after}`;
}

export function eventLine(event: StoredEvent, { paint }: Look): string {
  const { seq, at, kind, agent, run, workflow, task, resource } = event;
  const about = [run, workflow, task, resource].filter((each) => each !== undefined);
  const what = about.map((each) => printable(each)).join(' ');
  return `${paint.dim(`${String(seq).padStart(6)} ${clock(at)}`)}  ${paint.bold(kind.padEnd(18))}  ${what}  ${paint.dim(printable(agent))}\n`;
}

/** A pipe gets what it asked for, a terminal too. */
export function showExport(document: Granted<ExportDocument>): string {
  return 'text' in document ? document.text : `${JSON.stringify({ v: 1, ...document }, null, 2)}\n`;
}

export function showMetrics({ metrics }: Granted<MetricsDocument>): string {
  return prometheus(metrics);
}

export function showGuarded({ files }: Granted<GuardDocument>): string {
  return files.length === 0
    ? ''
    : `${counted(files.length, 'file')}: nobody else has locked anything.\n`;
}

export function showDoctor(document: Granted<DoctorDocument>, look: Look): string {
  const { findings, fixed, healthy, looked } = document;
  const { paint } = look;
  const where = Object.entries(looked)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${paint.dim(name)} ${printable(String(value))}`)
    .join('  ');
  const mended = fixed.length === 0 ? '' : paint.green(`Mended: ${fixed.join(', ')}\n`);
  const sum = healthy ? paint.green('Nothing is wrong.\n') : '';
  return `${where}\n${findings.map((finding) => findingLines(finding, look)).join('')}${mended}${sum}`;
}

const marks = { error: '✘', warning: '▲', info: '·' } as const;

function findingLines({ code, severity, what, fix, mends }: Finding, { paint }: Look): string {
  const painted = { error: paint.red, warning: paint.yellow, info: paint.dim }[severity];
  const how = mends ? `${printable(fix)} ${paint.dim('(--fix does it)')}` : printable(fix);
  return `${painted(`${marks[severity]} ${code}`)}  ${printable(what)}\n    ${how}\n`;
}
