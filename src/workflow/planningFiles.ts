/** The single files of a `.planning/` folder: what ROADMAP.md says of phases and plans, and one PLAN.md of itself. */
import type { TaskStatus } from '../core/model';
import type { Token } from './stateMdSyntax';
import { readFrontMatter, type FrontMatterValue } from './frontMatter';
import { headingOf, readLines, spanOf, type Line, type Span } from './lines';
import { ConflictScanner, finding, HidingScanner, nulFinding, type Finding } from './problems';
import { BOX_STATUS } from './taskText';

/** `2`, or `2.1` for a phase that was put in later. */
export type PhaseNumber = string;

export interface RoadmapPlan {
  readonly phase: PhaseNumber;
  readonly plan: string;
  /** As written: `01-02`. */
  readonly id: string;
  readonly description: string;
  readonly line: Line;
  /** With its brackets; null where the plan has none. */
  readonly box: Span | null;
  readonly status: TaskStatus;
}

export interface RoadmapPhase {
  readonly number: PhaseNumber;
  title: string;
  line: Line;
  /** Of the phase itself, in the list of phases. */
  box: Span | null;
  status: TaskStatus;
  /** Said by a count, a table or a milestone. */
  isComplete: boolean;
  readonly plans: RoadmapPlan[];
}

export interface Roadmap {
  readonly name: string | null;
  readonly phases: ReadonlyMap<PhaseNumber, RoadmapPhase>;
  /** True of phases in a milestone that was shipped, also when they are not listed any more. */
  readonly isShipped: (number: PhaseNumber) => boolean;
  readonly findings: readonly Finding[];
}

const NUMBER = String.raw`(\d{1,6}(?:\.\d{1,6})?)`;
const TITLE = /^(?:Roadmap|Project):\s*/i;
const PHASE_HEADING = new RegExp(`^Phase ${NUMBER}(?:\\s*[:.–—-]\\s*|$)`, 'i');
const ITEM = /^[-*+][ \t]+(?:(\[[^[\]]\])[ \t]+)?/;
const PHASE_ITEM = new RegExp(`^\\*\\*Phase ${NUMBER}(?![\\w.])`, 'i');
const PLAN_ITEM = new RegExp(
  `^(?:\\*\\*|\`)?((${NUMBER})-(\\d{1,6}))(?:-PLAN\\.md)?(?:\\*\\*|\`)?(?::\\*\\*)?[ \\t]*(?:[:–—]|-{1,2}(?=[ \\t])|$)`,
);
const PLANS = /^\*\*Plans:?\*\*:?\s*(\d{1,6})\s*\/\s*(\d{1,6})(?!\d)/i;
const TABLE_PHASE = new RegExp(`^\\|\\s*${NUMBER}\\.\\s`);
const SHIPPED = new RegExp(
  `\\bPhases?\\s+${NUMBER}(?:\\s*[-–—]\\s*${NUMBER})?\\b.*\\bshipped\\b`,
  'i',
);

export function readRoadmap(text: string): Roadmap {
  const reader = new RoadmapReader();
  for (const line of readLines(text)) reader.read(line);
  return reader.end();
}

class RoadmapReader {
  private name: string | null = null;
  private readonly phases = new Map<PhaseNumber, RoadmapPhase>();
  private readonly findings: Finding[] = [];
  private readonly conflicts = new ConflictScanner();
  private readonly hiding = new HidingScanner();
  private readonly shipped: Range[] = [];
  private readonly listed = new Set<string>();
  private binary: Finding | null = null;
  private phase: RoadmapPhase | null = null;

  read(line: Line): void {
    this.binary ??= nulFinding(line);
    const conflict = this.conflicts.finding(line);
    if (conflict) this.findings.push(conflict);
    this.hiding.next(line);
    if (line.hidden !== null || line.content === '') return;
    const heading = headingOf(line);
    if (heading) this.readHeading(line, heading.level, line.content.slice(heading.textStart));
    else if (line.content.startsWith('|')) this.readRow(line.content);
    else this.readText(line);
  }

  end(): Roadmap {
    const { name, phases, shipped } = this;
    const findings = this.binary ? [this.binary] : [...this.findings, ...this.hiding.end()];
    return {
      ...{ name, phases, findings },
      isShipped: within(shipped),
    };
  }

  private readHeading(line: Line, level: number, text: string): void {
    if (level === 1) {
      const title = TITLE.exec(text);
      if (title) this.name ??= text.slice(title[0].length) || null;
    }
    const match = PHASE_HEADING.exec(text);
    if (match) {
      const phase = this.phaseOf(match[1] ?? '', line);
      if (phase.title === '') phase.title = text.slice(match[0].length);
      this.phase = phase;
    } else if (level <= 2) {
      this.phase = null;
    }
  }

  private phaseOf(written: string, line: Line): RoadmapPhase {
    const number = phaseNumber(written);
    const known = this.phases.get(number);
    if (known) return known;
    const phase: RoadmapPhase = {
      ...{ number, title: '', line, box: null, status: 'todo' as const },
      ...{ isComplete: false, plans: [] },
    };
    this.phases.set(number, phase);
    return phase;
  }

  private readRow(content: string): void {
    const number = TABLE_PHASE.exec(content)?.[1];
    if (number === undefined) return;
    const phase = this.phases.get(phaseNumber(number));
    if (phase && /\|\s*(?:✅\s*)?complete[d]?\s*\|/i.test(content)) phase.isComplete = true;
  }

  private readText(line: Line): void {
    const { content } = line;
    const shipped = SHIPPED.exec(content.slice(0, 400));
    if (shipped) {
      this.shipped.push({ from: Number(shipped[1]), to: Number(shipped[2] ?? shipped[1]) });
    }
    const item = ITEM.exec(content);
    if (item) {
      this.readItem(line, item);
    } else if (this.phase) {
      const plans = PLANS.exec(content);
      if (plans && Number(plans[1]) > 0 && Number(plans[1]) >= Number(plans[2])) {
        this.phase.isComplete = true;
      }
    }
  }

  private readItem(line: Line, item: RegExpExecArray): void {
    const [marker, box] = item;
    const rest = line.content.slice(marker.length);
    const status = BOX_STATUS.get(box?.charAt(1) ?? ' ') ?? 'todo';
    const boxStart = marker.indexOf('[');
    const place = box === undefined ? null : spanOf(line, boxStart, boxStart + 3);
    const phase = PHASE_ITEM.exec(rest);
    if (phase) {
      const known = this.phaseOf(phase[1] ?? '', line);
      if (known.box === null) Object.assign(known, { box: place, status, line });
      const end = rest.indexOf('**', phase[0].length);
      const title = rest.slice(phase[0].length, end < 0 ? undefined : end).trim();
      if (known.title === '') known.title = title.replace(/^[:.–—-]\s*/, '');
      return;
    }
    const plan = PLAN_ITEM.exec(rest);
    if (!plan) return;
    const [matched, id = '', , number = '', planNumber = ''] = plan;
    const owner = this.phaseOf(number, line);
    const key = String(Number(planNumber));
    if (this.listed.has(`${owner.number}-${key}`)) return;
    this.listed.add(`${owner.number}-${key}`);
    owner.plans.push({
      ...{ phase: owner.number, plan: key, id, line, box: place, status },
      description: rest.slice(matched.length).trim(),
    });
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Whether a number is in one of them; each phase asks, and there may be as many ranges as phases. */
function within(ranges: readonly Range[]): (number: string) => boolean {
  const apart: { readonly from: number; to: number }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else if (from <= to) apart.push({ from, to });
  }
  return (written) => {
    const number = Number(written);
    let low = 0;
    for (let high = apart.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((apart[middle]?.from ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return number <= (apart[low - 1]?.to ?? -1);
  };
}

/** `01` and `1` are the same phase. */
export function phaseNumber(written: string): PhaseNumber {
  return written
    .split('.')
    .map((part) => String(Number(part)))
    .join('.');
}

/* ------------------------------------------------------------------ PLAN.md */

export interface PlanFile {
  readonly path: string;
  readonly phase: PhaseNumber;
  readonly plan: string;
  readonly id: string;
  /** Of its phase. */
  readonly wave: Token<number> | null;
  readonly dependsOn: FrontMatterValue | null;
  readonly files: FrontMatterValue | null;
  /** The first line of its objective. */
  readonly description: string;
  readonly findings: readonly Finding[];
}

const FILE_NAME = new RegExp(`(?:^|/)${NUMBER}-(\\d{1,6})-(?:PLAN|SUMMARY)\\.md$`, 'i');
const FOLDER_NAME = new RegExp(`(?:^|/)${NUMBER}-[^/]*/(?:PLAN|SUMMARY)\\.md$`, 'i');

/** The phase and plan that a file's name states; a phase with one plan need not number it. */
export function planOfPath(path: string): { phase: PhaseNumber; plan: string; id: string } | null {
  const named = FILE_NAME.exec(path);
  if (named) {
    const [, phase = '', plan = ''] = named;
    return { phase: phaseNumber(phase), plan: String(Number(plan)), id: `${phase}-${plan}` };
  }
  const folder = FOLDER_NAME.exec(path);
  if (!folder) return null;
  const [, phase = ''] = folder;
  return { phase: phaseNumber(phase), plan: '1', id: `${phase}-01` };
}

/** Null for a file that is no plan. */
export function readPlanFile(path: string, text: string): PlanFile | null {
  const place = planOfPath(path);
  if (!place) return null;
  const { values, nextLine, findings } = readFrontMatter(text);
  const problems: Finding[] = [...findings];
  const conflicts = new ConflictScanner();
  let binary: Finding | null = null;
  let description = '';
  let inObjective = false;
  let first: Line | null = null;
  for (const line of readLines(text)) {
    first ??= line;
    binary ??= nulFinding(line);
    const conflict = conflicts.finding(line);
    if (conflict) problems.push(conflict);
    if (line.number < nextLine || description !== '') continue;
    if (inObjective) description = line.content;
    if (line.content === '<objective>') inObjective = true;
  }
  if (nextLine === 0 && findings.length === 0 && first) {
    const message = 'A plan begins with front matter: “---”, “wave: 1”, “depends_on: []”, “---”.';
    problems.push(finding('invalid_front_matter', spanOf(first), message));
  }

  const stated = values.get('wave');
  const number = Number(stated?.values[0]);
  const isWave = Number.isSafeInteger(number) && number >= 1 && number <= 10_000;
  if (stated && !isWave) {
    const message = 'A plan is in a wave from 1 to 10000. Write “wave: 1”.';
    problems.push(finding('invalid_front_matter', stated.at, message));
  }
  return {
    path,
    ...place,
    wave: stated && isWave ? { value: number, at: stated.at } : null,
    dependsOn: values.get('depends_on') ?? null,
    files: values.get('files_modified') ?? null,
    description,
    findings: binary ? [binary] : problems,
  };
}

/* ------------------------------------------------------------------ STATE.md */

/** What the folder's STATE.md says of where its tools stand; free text, for people to read. */
export function readPosition(text: string): {
  readonly lines: readonly string[];
  readonly findings: readonly Finding[];
} {
  const { nextLine, findings: front } = readFrontMatter(text);
  const findings: Finding[] = [...front];
  const conflicts = new ConflictScanner();
  const lines: string[] = [];
  let isThere = false;
  for (const line of readLines(text)) {
    const binary = nulFinding(line);
    if (binary) return { lines: [], findings: [binary] };
    const conflict = conflicts.finding(line);
    if (conflict) findings.push(conflict);
    if (line.number < nextLine) continue;
    const heading = headingOf(line);
    if (heading) isThere = /^Current Position$/i.test(line.content.slice(heading.textStart));
    else if (isThere && /^(?:Phase|Plan|Status|Last activity):/i.test(line.content)) {
      lines.push(line.content);
    }
  }
  return { lines, findings };
}
