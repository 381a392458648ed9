/** What the panel shows, as a text to take elsewhere. Pure. */
import type { PlanTask, RunRow } from '../core/model';
import type { ExportFormat } from '../shared/protocol';

export interface Exported {
  readonly workflow: {
    readonly id: string;
    readonly name: string;
    readonly wave: number;
    readonly waveCount: number;
  } | null;
  readonly tasks: readonly (PlanTask & { readonly wave: number })[];
  readonly runs: readonly RunRow[];
}

export function exportText(format: ExportFormat, exported: Exported): string {
  return formats[format](exported);
}

interface Line {
  readonly wave: number | null;
  readonly task: string;
  readonly title: string;
  readonly box: string;
  readonly run: string;
  readonly status: string;
  readonly attempt: string;
  readonly agent: string;
  readonly started: string;
  readonly ended: string;
  readonly error: string;
}

const columns = [
  'wave',
  'task',
  'title',
  'box',
  'run',
  'status',
  'attempt',
  'agent',
  'started',
  'ended',
  'error',
] as const satisfies readonly (keyof Line)[];

/** A line for each run, and one for each task that has none. */
function linesOf({ tasks, runs }: Exported): Line[] {
  const ofTask = new Map<string, RunRow[]>();
  const others: RunRow[] = [];
  const known = new Set<string>(tasks.map(({ id }) => id));
  for (const run of runs) {
    if (run.task === null || !known.has(run.task)) others.push(run);
    else ofTask.set(run.task, [...(ofTask.get(run.task) ?? []), run]);
  }
  return [
    ...tasks.flatMap((task) => {
      const own = ofTask.get(task.id) ?? [];
      return own.length > 0 ? own.map((run) => lineOf(run, task)) : [lineOf(undefined, task)];
    }),
    ...others.map((run) => lineOf(run)),
  ];
}

function lineOf(run?: RunRow, task?: PlanTask & { readonly wave: number }): Line {
  const time = (at: number | null | undefined) => (at ? new Date(at).toISOString() : '');
  return {
    wave: task?.wave ?? run?.wave ?? null,
    task: task?.id ?? run?.task ?? '',
    title: task?.description ?? run?.title ?? '',
    box: task?.status ?? '',
    run: run?.id ?? '',
    status: run?.status ?? '',
    attempt: run ? `${run.attempt}/${Math.max(run.attempt, run.maxAttempts)}` : '',
    agent: run?.claim?.agent ?? '',
    started: time(run?.startedAt),
    ended: time(run?.endedAt),
    error: run?.error?.message ?? '',
  };
}

const formats: { readonly [Format in ExportFormat]: (exported: Exported) => string } = {
  json: ({ workflow, tasks, runs }) =>
    `${JSON.stringify({ v: 1, workflow, tasks: tasks.map(plainTask), runs: runs.map(withoutSecrets) }, null, 2)}\n`,

  csv: (exported) =>
    [
      columns.join(','),
      ...linesOf(exported).map((line) => columns.map((name) => cell(line[name])).join(',')),
    ]
      .map((line) => `${line}\r\n`)
      .join(''),

  markdown: (exported) => {
    const { workflow } = exported;
    const title = workflow
      ? [`# ${inMarkdown(workflow.name)}`, '', `Wave ${workflow.wave}/${workflow.waveCount}`, '']
      : [];
    const shown = columns.filter((name) => name !== 'box');
    const lines = linesOf(exported).map(
      (line) => `| ${shown.map((name) => inMarkdown(String(line[name] ?? ''))).join(' | ')} |`,
    );
    return [
      ...title,
      `| ${shown.join(' | ')} |`,
      `| ${shown.map(() => '---').join(' | ')} |`,
      ...lines,
      '',
    ].join('\n');
  },

  mermaid: ({ tasks, runs }) => {
    const newest = new Map<string, RunRow>();
    for (const run of runs) newest.set(run.task ?? run.root, run);
    const nodes = [
      ...tasks.map((task) => ({
        key: task.id,
        text: `${task.id} ${task.description}`,
        wave: task.wave,
      })),
      ...runs
        .filter(({ task, id, root }) => task === null && id === root)
        .map((run) => ({ key: run.root, text: run.title, wave: run.wave })),
    ];
    const names = new Map<string, string>(nodes.map(({ key }, index) => [key, `n${index}`]));
    const keyOfRun = new Map(runs.map((run) => [run.id, run.task ?? run.root] as const));
    const edges = new Set<string>();
    const edge = (from: string | undefined, to: string) => {
      const [one, other] = [names.get(from ?? ''), names.get(to)];
      if (one !== undefined && other !== undefined && one !== other)
        edges.add(`  ${one} --> ${other}`);
    };
    for (const task of tasks) for (const need of task.dependsOn) edge(need, task.id);
    for (const run of runs)
      for (const need of run.dependsOn) edge(keyOfRun.get(need), run.task ?? run.root);
    const waves = [...new Set(nodes.map(({ wave }) => wave))];
    return [
      'flowchart LR',
      ...waves.flatMap((wave) => {
        const own = nodes.filter((node) => node.wave === wave);
        const lines = own.map(({ key, text }) => {
          const status = newest.get(key)?.status;
          return `  ${names.get(key) ?? ''}["${inMermaid(text)}${status ? `<br/>${status}` : ''}"]`;
        });
        return wave === null
          ? lines
          : [`  subgraph wave${wave}["Wave ${wave}"]`, ...lines, '  end'];
      }),
      ...edges,
      '',
    ].join('\n');
  },
};

function plainTask({ id, description, status, wave, dependsOn }: Exported['tasks'][number]) {
  return { id, description, status, wave, dependsOn };
}

/** Nobody needs the digest of a claim's token outside of the store. */
function withoutSecrets({ claim, ...run }: RunRow) {
  return {
    ...run,
    claim: claim && {
      agent: claim.agent,
      host: claim.beat.host,
      leaseUntil: claim.leaseUntil,
      epoch: claim.epoch,
    },
  };
}

/** Quoted where it must be; a text that a spreadsheet would run as a formula is kept from it. */
function cell(value: string | number | null): string {
  const text = String(value ?? '');
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function inMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#+!|~-]/g, '\\$&').replace(/\s+/g, ' ');
}

function inMermaid(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:;/_-]/gu, (sign) => `#${sign.codePointAt(0) ?? 32};`);
}
