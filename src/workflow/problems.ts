/**
 * What can be wrong with a workflow file, whatever its format: the codes, how grave each is unless a setting
 * says otherwise, and how a problem is put. docs/workflow-files.md explains each code; a test compares the two.
 */
import type { Problem } from '../core/model';
import type { Fix, TextEdit } from './document';
import type { Line, Span } from './lines';
import { spanOf } from './lines';

export type Severity = Problem['severity'];

/** Setting `validate.<code>`: how grave the problem is, or that it is not told at all. */
export type SeveritySetting = Severity | 'off';

export const problemCodes = {
  binary_file: 'error',
  conflict_markers: 'error',
  count_mismatch: 'warning',
  dependency_cycle: 'error',
  duplicate_field: 'warning',
  duplicate_task: 'error',
  file_overlap: 'warning',
  invalid_checkbox: 'error',
  invalid_encoding: 'error',
  invalid_front_matter: 'error',
  invalid_task_id: 'error',
  invalid_timestamp: 'warning',
  later_dependency: 'warning',
  missing_header: 'error',
  missing_id: 'error',
  missing_plan: 'warning',
  missing_sections: 'error',
  missing_started: 'warning',
  missing_status: 'error',
  missing_updated: 'warning',
  outside_workspace: 'error',
  progress_mismatch: 'warning',
  unclosed_comment: 'warning',
  unclosed_fence: 'warning',
  unknown_checkbox: 'warning',
  unknown_dependency: 'error',
  unknown_format: 'error',
  unreadable_file: 'error',
  wave_gap: 'warning',
  wave_out_of_range: 'error',
} as const satisfies Record<string, Severity>;

export type ProblemCode = keyof typeof problemCodes;

/** Whatever a setting says: a file that cannot be trusted to be what its author meant is never acted upon. */
const alwaysErrors: ReadonlySet<string> = new Set<ProblemCode>([
  'binary_file',
  'conflict_markers',
  'invalid_encoding',
  'unreadable_file',
  'outside_workspace',
  'unknown_format',
]);

/** A problem, and what would mend it where that is plain; made when it is asked for. */
export interface Finding {
  readonly problem: Problem;
  readonly fix: FixMaker | null;
}

/** Takes local time as a file writes it. */
export type FixMaker = (now: string) => Fix;

export function finding(
  code: ProblemCode,
  at: Span,
  message: string,
  fix: FixMaker | null = null,
): Finding {
  const { file, line, column } = at;
  const place = { line, column, length: at.end - at.start };
  const problem = { ...place, severity: problemCodes[code], code, message };
  return { problem: file === undefined ? problem : { file, ...problem }, fix };
}

/** The fix that takes these edits, in order. */
export function fixOf(title: string, ...edits: readonly TextEdit[]): FixMaker {
  return () => ({ title, edits });
}

export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    ({ problem: a }, { problem: b }) => a.line - b.line || a.column - b.column,
  );
}

/** The `problems` and `fix` of a document, of findings in order. */
export function told(findings: readonly Finding[]): {
  readonly problems: readonly Problem[];
  readonly fix: (problem: Problem, now: string) => Fix | null;
} {
  return {
    problems: findings.map(({ problem }) => problem),
    // By place: whoever asks may hold a copy, of another severity.
    fix: (asked, now) =>
      findings
        .find(
          ({ problem, fix }) =>
            fix !== null &&
            problem.code === asked.code &&
            problem.line === asked.line &&
            problem.column === asked.column &&
            problem.file === asked.file,
        )
        ?.fix?.(now) ?? null,
  };
}

export function graded(
  problems: readonly Problem[],
  settings: ReadonlyMap<string, SeveritySetting>,
): readonly Problem[] {
  if (settings.size === 0) return problems;
  return problems.flatMap((problem) => {
    const setting = alwaysErrors.has(problem.code) ? undefined : settings.get(problem.code);
    if (setting === 'off') return [];
    return setting === undefined ? [problem] : [{ ...problem, severity: setting }];
  });
}

/** Text from a file, short enough for a message. */
export function quote(text: string): string {
  return text.length > 40 ? `“${text.slice(0, 39)}…”` : `“${text}”`;
}

export function nulFinding(line: Line): Finding | null {
  const nul = line.content.indexOf('\0');
  if (nul < 0) return null;
  return finding(
    'binary_file',
    spanOf(line, nul, nul + 1),
    'The file is not text: it holds zero bytes, as after a crash or in another encoding. Restore it from a backup or from Git, or save it as UTF-8.',
  );
}

/** Fences do not hide conflict markers: a conflict may well begin inside one and end outside. */
export class ConflictScanner {
  private inConflict = false;

  finding(line: Line): Finding | null {
    if (!this.isMarker(line)) return null;
    return finding(
      'conflict_markers',
      spanOf(line),
      'A merge left this conflict marker. Keep one side and delete the marker lines.',
    );
  }

  private isMarker({ content, column }: Line): boolean {
    if (column > 0 || !'<>=|'.includes(content.charAt(0)) || content === '') return false;
    if (/^<{7}(?: |$)/.test(content)) return (this.inConflict = true);
    if (/^>{7}(?: |$)/.test(content)) {
      this.inConflict = false;
      return true;
    }
    // Alone, a line of equals signs underlines a heading.
    return this.inConflict && (content === '=======' || /^\|{7}(?: |$)/.test(content));
  }
}

/** Follows what hides lines, to tell at the end what was never closed. */
export class HidingScanner {
  private opener: Line | null = null;
  /** Where the next heading after the opener starts, hidden though it is. */
  private heading: number | null = null;
  /** True when more would open if it were closed before the heading. */
  private more = false;
  private last: Line | null = null;

  next(line: Line): void {
    if (line.hidden === 'opens') {
      this.opener = line;
      this.heading = null;
      this.more = false;
    } else if (line.hidden !== 'inside') {
      this.opener = null;
    } else if (this.heading === null) {
      if (line.column === 0 && /^#{1,3}[ \t]/.test(line.content)) this.heading = line.start;
    } else if (/^(?:`{3}|~{3}|<!--)/.test(line.content)) {
      this.more = true;
    }
    this.last = line;
  }

  /** True while what the last line began is open. */
  get isOpen(): boolean {
    return this.opener !== null;
  }

  end(): Finding[] {
    const { opener, last } = this;
    if (!opener || !last) return [];
    const heading = this.more ? null : this.heading;
    const mark =
      opener.hiddenBy === 'comment' ? '-->' : (/^(`+|~+)/.exec(opener.content)?.[0] ?? '');
    const indent = ' '.repeat(opener.indent);
    const eol = opener.eol === '' ? '\n' : opener.eol;
    const edit =
      heading !== null
        ? { start: heading, end: heading, text: `${indent}${mark}${eol}${eol}` }
        : { start: last.end, end: last.end, text: `${eol}${indent}${mark}` };
    const where = heading !== null ? 'before the next heading' : 'at the end of the file';
    return opener.hiddenBy === 'comment'
      ? [
          finding(
            'unclosed_comment',
            spanOf(opener),
            'This comment is never closed, so that everything below it is hidden. Close it with “-->”.',
            fixOf(`Close the comment ${where}`, edit),
          ),
        ]
      : [
          finding(
            'unclosed_fence',
            spanOf(opener),
            'This code block is never closed, so that everything below it is read as code. Close it.',
            fixOf(`Close the code block ${where}`, edit),
          ),
        ];
  }
}
