/** Plays the editor to the standalone page: theme, stored state, and the host at the other end. */
import type { PanelState, ToHost, ToPanel } from '../../src/shared/protocol';
import { states, type StateName } from './states';

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
  post(message: unknown): void;
  show(state: PanelState | StateName): void;
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

let state: PanelState | undefined;

const page: Page = {
  sent: [],
  saved: undefined,
  refuse: null,
  silent: false,
  violations: [],
  post: (message) => {
    window.postMessage(message, location.origin);
  },
  show: (next) => {
    state = typeof next === 'string' ? states[next] : next;
    page.post({ type: 'state', state } satisfies ToPanel);
  },
};
window.page = page;
document.addEventListener('securitypolicyviolation', (event) => {
  page.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});

function answer(message: ToHost): void {
  if (message.type === 'ready') {
    const name = (asked.get('state') ?? 'normal') as StateName;
    if (name in states) page.show(name);
    return;
  }
  if (page.silent) return;
  const { request } = message;
  if (page.refuse !== null) {
    page.post({ type: 'reply', request, ok: false, message: page.refuse } satisfies ToPanel);
    return;
  }
  if (message.type === 'advance' && state) {
    page.show({
      ...state,
      workflows: state.workflows.map((workflow) =>
        workflow.key === message.workflow
          ? {
              ...workflow,
              wave: Math.min(workflow.wave + 1, workflow.waveCount),
              completed: workflow.wave === workflow.waveCount,
            }
          : workflow,
      ),
    });
  }
  page.post({ type: 'reply', request, ok: true } satisfies ToPanel);
}

window.acquireVsCodeApi = () => ({
  postMessage(message: ToHost) {
    page.sent.push(message);
    answer(message);
  },
  getState: () => page.saved,
  setState: (saved: unknown) => (page.saved = saved),
});
