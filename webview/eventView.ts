/** Events as a list of lines: which kind of thing happened, and in words what. */
import type { PanelEvent } from '../src/shared/protocol';
import { duration, l10n, timeWithSeconds } from './l10n';

export type EventGroup = 'runs' | 'locks' | 'files' | 'waves' | 'agents' | 'other';
export const eventGroups: readonly EventGroup[] = [
  'runs',
  'locks',
  'files',
  'waves',
  'agents',
  'other',
];

const groupsByPrefix: Readonly<Record<string, EventGroup>> = {
  run: 'runs',
  slot: 'runs',
  lock: 'locks',
  file: 'files',
  workflow: 'waves',
  task: 'waves',
  note: 'waves',
  change: 'waves',
  agent: 'agents',
  session: 'agents',
};

export const groupOf = (kind: string): EventGroup =>
  groupsByPrefix[kind.slice(0, Math.max(0, kind.indexOf('.')))] ?? 'other';

export const groupGlyphs: { readonly [Group in EventGroup]: string } = {
  runs: 'play-circle',
  locks: 'lock',
  files: 'file',
  waves: 'layers',
  agents: 'account',
  other: 'gear',
};

export function groupLabel(group: EventGroup): string {
  switch (group) {
    case 'runs':
      return l10n.t('Runs');
    case 'locks':
      return l10n.t('Locks');
    case 'files':
      return l10n.t('Files');
    case 'waves':
      return l10n.t('Waves and tasks');
    case 'agents':
      return l10n.t('Agents');
    case 'other':
      return l10n.t('Other');
  }
}

const glyphs: Readonly<Record<string, readonly [string, string]>> = {
  'run.claimed': ['play-circle', 'st-running'],
  'run.created': ['circle-large-outline', ''],
  'run.beat': ['pulse', ''],
  'run.completed': ['pass', 'st-completed'],
  'run.failed': ['error', 'st-error'],
  'run.killed': ['stop-circle', 'st-killed'],
  'run.cancelled': ['circle-slash', ''],
  'run.lost': ['debug-disconnect', 'st-lost'],
  'run.retried': ['history', 'st-retry'],
  'run.archived': ['archive', ''],
  'lock.expired': ['unlock', ''],
  'lock.released': ['unlock', ''],
  'lock.broken': ['trash', 'st-error'],
  'lock.queued': ['watch', ''],
  'lock.offered': ['bell', 'st-retry'],
  'workflow.advanced': ['debug-step-over', ''],
  'workflow.completed': ['pass', 'st-completed'],
  'note.added': ['note', ''],
  'change.undone': ['discard', ''],
  'file.conflict': ['warning', 'st-lost'],
  'config.set': ['gear', ''],
};

export const glyphOf = (kind: string): readonly [string, string] =>
  glyphs[kind] ?? [groupGlyphs[groupOf(kind)], ''];

type Facts = PanelEvent['facts'];

/** What there is to say beside kind and subject. */
export function detailOf({ facts }: PanelEvent): string {
  const said = sayings.flatMap((say) => say(facts) ?? []);
  return said.join(', ');
}

const num = (facts: Facts, name: string): number | undefined => {
  const value = facts[name];
  return typeof value === 'number' ? value : undefined;
};
const text = (facts: Facts, name: string): string | undefined => {
  const value = facts[name];
  return typeof value === 'string' ? value : undefined;
};

/** Each says its part where its facts are there; together they are the line. */
const sayings: readonly ((facts: Facts) => string | undefined)[] = [
  (facts) => {
    const [from, to] = [num(facts, 'from'), num(facts, 'to')];
    return from === undefined || to === undefined ? undefined : l10n.t('wave {0} to {1}', from, to);
  },
  (facts) => {
    const attempt = num(facts, 'attempt');
    const most = num(facts, 'maxAttempts');
    if (attempt === undefined || (attempt === 1 && (most ?? 1) < 2)) return undefined;
    return l10n.t(
      'attempt {0}',
      most === undefined ? String(attempt) : `${attempt}/${Math.max(attempt, most)}`,
    );
  },
  (facts) => {
    const took = num(facts, 'tookMs');
    return took === undefined ? undefined : l10n.t('after {0}', duration(took));
  },
  (facts) => {
    const mode = text(facts, 'mode');
    return mode === undefined ? undefined : mode === 'write' ? l10n.t('write') : l10n.t('read');
  },
  (facts) => {
    const token = num(facts, 'token');
    return token === undefined ? undefined : l10n.t('token {0}', String(token));
  },
  (facts) => {
    const until = num(facts, 'until');
    return until === undefined ? undefined : l10n.t('until {0}', timeWithSeconds(until));
  },
  (facts) => {
    const due = num(facts, 'notBefore');
    return due === undefined ? undefined : l10n.t('due {0}', timeWithSeconds(due));
  },
  (facts) => {
    const holder = text(facts, 'holder');
    return holder === undefined ? undefined : l10n.t('held by {0}', holder);
  },
  (facts) => {
    const rule = text(facts, 'rule');
    if (rule === undefined) return undefined;
    if (rule === 'process-gone') return l10n.t('process gone');
    if (rule === 'other-boot') return l10n.t('machine started anew');
    if (rule === 'forced') return l10n.t('by word of a person');
    const age = num(facts, 'ageMs');
    return age === undefined
      ? l10n.t('no sign of life')
      : l10n.t('no sign of life for {0}', duration(age));
  },
  (facts) => {
    const [was, status] = [text(facts, 'was'), text(facts, 'status')];
    return status === undefined ? undefined : was === undefined ? status : `${was} → ${status}`;
  },
  (facts) => {
    const [added, removed, modified] = [
      num(facts, 'added'),
      num(facts, 'removed'),
      num(facts, 'modified'),
    ];
    if (added === undefined || removed === undefined || modified === undefined) return undefined;
    return l10n.t('{0} added, {1} removed, {2} changed', added, removed, modified);
  },
  (facts) => {
    const undoes = num(facts, 'undoes');
    return undoes === undefined ? undefined : l10n.t('undoes event {0}', String(undoes));
  },
  (facts) => {
    const count = num(facts, 'count');
    return count === undefined ? undefined : l10n.t('{0} runs', count);
  },
  ...[
    'file',
    'resource',
    'value',
    'commit',
    'backup',
    'forced',
    'agentKind',
    'gone',
    'resolved',
    'what',
    'directive',
    'why',
  ].map((name) => (facts: Facts) => {
    const value = facts[name];
    return value === undefined ? undefined : String(value);
  }),
];
