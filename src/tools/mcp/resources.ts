/** What an MCP client can read and watch: the state of the folder, a run, a workflow. */
import type { EventKind, StoredEvent } from '../../core/model';
import type { Document } from './server';

export const stateUri = 'wavelock://state';

export const templates = [
  {
    uriTemplate: 'wavelock://run/{id}',
    name: 'run',
    title: 'A run',
    description: 'A run with its attempts and parts, as `wavelock run show` has it.',
    mimeType: 'application/json',
  },
  {
    uriTemplate: 'wavelock://workflow/{id}',
    name: 'workflow',
    title: 'A workflow',
    description: 'A workflow with its waves and tasks, as `wavelock status` has it.',
    mimeType: 'application/json',
  },
] as const;

type Ask = (argv: readonly string[]) => Promise<Document>;

const patterns: readonly {
  readonly uri: RegExp;
  readonly read: (ask: Ask, id: string) => Promise<Document>;
}[] = [
  { uri: /^wavelock:\/\/state$/, read: state },
  {
    uri: /^wavelock:\/\/run\/(run_[0-9a-z]{10})$/,
    read: (ask, id) => ask(['run', 'show', '--', id]),
  },
  {
    uri: /^wavelock:\/\/workflow\/([^/?#]{1,300})$/,
    read: (ask, id) => ask(['status', `--workflow=${id}`]),
  },
];

export function isResource(uri: string): boolean {
  return patterns.some((pattern) => pattern.uri.test(uri));
}

/** Undefined for what is not there. */
export async function resourceAt(uri: string, ask: Ask): Promise<Document | undefined> {
  for (const { uri: pattern, read } of patterns) {
    const match = pattern.exec(uri);
    if (!match) continue;
    const document = await read(ask, decoded(match[1] ?? ''));
    const refusal = document['refusal'] as { readonly code?: string } | undefined;
    return refusal?.code === 'unknown_run' || refusal?.code === 'unknown_workflow'
      ? undefined
      : document;
  }
  return undefined;
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch (error) {
    if (error instanceof URIError) return id;
    throw error;
  }
}

/** Everything at a glance: what most clients want before they ask for more. */
async function state(ask: Ask): Promise<Document> {
  const [status, runs, locks] = [
    await ask(['status']),
    await ask(['run', 'list', '--limit=100']),
    await ask(['lock', 'list']),
  ];
  const failed = [status, runs, locks].find(({ ok }) => !ok);
  return (
    failed ?? {
      v: 1,
      ok: true,
      at: status['at'],
      workflows: status['workflows'],
      runs: runs['runs'],
      counts: runs['counts'],
      locks: locks['locks'],
    }
  );
}

export function listed(status: Document) {
  const workflows = (status['workflows'] ?? []) as readonly {
    readonly id: string | null;
    readonly name: string;
  }[];
  return [
    {
      uri: stateUri,
      name: 'state',
      title: 'Workflows, runs and locks',
      mimeType: 'application/json',
    },
    ...workflows.flatMap(({ id, name }) =>
      id === null
        ? []
        : [
            {
              uri: `wavelock://workflow/${encodeURIComponent(id)}`,
              name: id,
              title: name,
              mimeType: 'application/json',
            },
          ],
    ),
  ];
}

/** Signs of life change nothing that anybody reads. */
const unseen: ReadonlySet<EventKind> = new Set<EventKind>([
  'run.beat',
  'agent.seen',
  'session.started',
  'session.ended',
]);

export function concerned({ kind, run, workflow }: StoredEvent): readonly string[] {
  if (unseen.has(kind)) return [];
  return [
    stateUri,
    ...(run === undefined ? [] : [`wavelock://run/${run}`]),
    ...(workflow === undefined ? [] : [`wavelock://workflow/${encodeURIComponent(workflow)}`]),
  ];
}
