/** Plays the editor to the standalone page: theme, stored state, and the host at the other end. */
import type { PanelRun, RunDetails, ToHost, ToPanel } from '../../src/shared/protocol';
import { ago, messagesOf, recordedAt, type Recorded } from './recorded';
import { many, states, type StateName } from './states';

/** What a test may reach as `window.page`. */
export interface Page {
  /** Everything that the panel has sent, in order. */
  readonly sent: ToHost[];
  /** What `setState` was last given. */
  saved: unknown;
  /** The next requests are refused with this. */
  refuse: string | null;
  /** The next requests get no answer. */
  silent: boolean;
  readonly violations: string[];
  readonly epoch: number;
  post(message: unknown): void;
  show(state: Recorded | StateName): void;
  /** As many runs in one wave. */
  showMany(count: number): void;
  /** One transition: the number is given by the page. */
  change(parts: Partial<Extract<ToPanel, { type: 'change' }>>): void;
  /** A transition of one of the runs that are shown, each call of another one. */
  move(): void;
}

declare global {
  interface Window {
    page: Page;
    acquireVsCodeApi: unknown;
  }
}

const themes = {
  dark: ['vscode-dark'],
  light: ['vscode-light'],
  hc: ['vscode-high-contrast'],
  'hc-light': ['vscode-high-contrast-light', 'vscode-high-contrast'],
} as const;

const asked = new URLSearchParams(location.hash.slice(1));
const theme = (asked.get('theme') ?? 'dark') as keyof typeof themes;
document.documentElement.dataset['theme'] = theme;
document.body.classList.add(...themes[theme]);
window.addEventListener('hashchange', () => {
  location.reload();
});

let state: Recorded | undefined;
let epoch = 0;
let seq = 0;
let moves = 0;

const page: Page = {
  sent: [],
  saved: JSON.parse(sessionStorage.getItem('saved') ?? 'null') as unknown,
  refuse: null,
  silent: false,
  violations: [],
  get epoch() {
    return epoch;
  },
  post: (message) => {
    window.postMessage(message, location.origin);
  },
  show: (next) => {
    state = typeof next === 'string' ? states[next] : next;
    epoch += 1;
    seq = 0;
    for (const message of messagesOf(state, epoch)) page.post(message);
  },
  showMany: (count) => {
    page.show(many(count));
  },
  change: (parts) => {
    seq += 1;
    page.post({ type: 'change', epoch, seq, at: recordedAt, ...parts });
  },
  move: () => {
    const [of, runs] = Object.entries(state?.runs ?? {})[0] ?? ['', []];
    moves += 1;
    const before = runs[(moves * 37) % Math.max(1, runs.length)];
    if (!before) return;
    const status = (['running', 'completed', 'queued'] as const)[moves % 3] ?? 'running';
    const run: PanelRun = {
      ...before,
      status,
      agent: status === 'queued' ? null : 'worker-ci-01',
      startedAt: status === 'queued' ? null : ago(1),
      endedAt: status === 'completed' ? recordedAt : null,
      leaseUntil: recordedAt + 600_000,
    };
    page.change({
      heads: [{ of, seq: 5_000 + moves }],
      runs: [{ of, put: [run], drop: [] }],
      events: [
        {
          of,
          rows: [
            {
              seq: 4_812 + moves,
              at: recordedAt,
              kind: 'run.claimed',
              agent: 'worker-ci-01',
              subject: before.task ?? before.id,
              run: before.id,
              facts: { attempt: 1, maxAttempts: 3 },
            },
          ],
        },
      ],
    });
  },
};
window.page = page;
document.addEventListener('securitypolicyviolation', (event) => {
  page.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});

function answer(message: ToHost): void {
  if (message.type === 'ready') {
    page.post({ type: 'hello', language: 'en', words: {} } satisfies ToPanel);
    const name = (asked.get('state') ?? 'normal') as StateName;
    if (asked.has('many')) page.showMany(Number(asked.get('many')));
    else if (name in states) page.show(name);
    return;
  }
  if (message.type === 'resync') {
    if (state) page.show(state);
    return;
  }
  if (page.silent) return;
  const { request } = message;
  if (page.refuse !== null) {
    page.post({ type: 'reply', request, ok: false, message: page.refuse } satisfies ToPanel);
    return;
  }
  const data = answerData(message);
  if (message.type === 'advance') advance(message.workflow);
  const told = message.type === 'takeBack' ? { message: 'Taken back: 2-07 is In progress' } : {};
  page.post({ type: 'reply', request, ok: true, ...told, ...(data === undefined ? {} : { data }) });
}

function advance(key: string): void {
  const workflow = state?.workflows.find((it) => it.key === key);
  if (!workflow) return;
  page.change({
    workflows: [
      {
        ...workflow,
        wave: Math.min(workflow.wave + 1, workflow.waveCount),
        completed: workflow.wave === workflow.waveCount,
      },
    ],
  });
}

function answerData(message: Exclude<ToHost, { type: 'ready' | 'resync' }>): unknown {
  if (message.type === 'events') {
    const all = state?.events?.[message.store] ?? [];
    const after = Math.max(0, message.before - 1 - message.limit);
    return {
      events: all.filter(({ seq: at }) => at > after && at < message.before),
      from: after === 0 ? 0 : after + 1,
    };
  }
  if (message.type !== 'details') return undefined;
  const run = state?.runs[message.store]?.find(({ id }) => id === message.run);
  const running = run?.status === 'running';
  const details: RunDetails = {
    title: run?.title ?? '',
    result: null,
    error: run?.status === 'error' ? (run.why ?? null) : null,
    reason: null,
    handoff: null,
    links: running ? [{ kind: 'log', target: 'logs/import.log' }] : [],
    epoch: 1,
    timeoutMs: null,
    process: running
      ? {
          pid: 48213,
          host: run.host ?? '',
          liveness: run.task === '2-05' ? 'gone' : 'alive',
          here: true,
        }
      : null,
    evidence:
      run?.status === 'lost'
        ? {
            rule: 'process-gone',
            ageMs: null,
            ttlMs: 60_000,
            process: 'gone',
            host: 'ada-laptop',
            observer: 'ada-laptop/1',
          }
        : null,
  };
  return details;
}

window.acquireVsCodeApi = () => ({
  postMessage(message: ToHost) {
    page.sent.push(message);
    answer(message);
  },
  getState: () => page.saved,
  setState: (saved: unknown) => {
    page.saved = saved;
    sessionStorage.setItem('saved', JSON.stringify(saved));
  },
});
