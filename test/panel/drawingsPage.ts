/** Runs in the page: the graph and the timeline alone, given plain rows. */
import { Graph, registerGraph } from '../../webview/graph/graph';
import { registerTimeline, Timeline } from '../../webview/timeline/timeline';
import * as data from './ledger';
import { deepGraph, someGraph } from './someGraph';

const themes = {
  dark: ['vscode-dark'],
  light: ['vscode-light'],
  hc: ['vscode-high-contrast'],
  'hc-light': ['vscode-high-contrast-light', 'vscode-high-contrast'],
} as const;
export type Theme = keyof typeof themes;

const drawings = {
  data,
  someGraph,
  deepGraph,
  violations: [] as string[],
  events: [] as string[],
  theme: (theme: Theme): void => {
    document.documentElement.dataset['theme'] = theme;
    document.body.className = themes[theme].join(' ');
  },
  graph: (values: Partial<Graph>): Graph => place(new Graph(), values),
  timeline: (values: Partial<Timeline>): Timeline => place(new Timeline(), values),
  /** Resolves when what was asked for has been drawn. */
  drawn: (): Promise<void> =>
    new Promise((done) => {
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          done();
        }),
      );
    }),
};
export type Drawings = typeof drawings;

function place<Drawn extends HTMLElement>(element: Drawn, values: Partial<Drawn>): Drawn {
  document.querySelector('main')?.replaceChildren(Object.assign(element, values));
  return element;
}

declare global {
  interface Window {
    drawings: Drawings;
  }
}

document.addEventListener('securitypolicyviolation', (event) => {
  drawings.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
for (const name of ['wl-select', 'wl-open'])
  document.addEventListener(name, (event) => {
    drawings.events.push(`${name} ${String((event as Event & { run: unknown }).run)}`);
  });
registerGraph();
registerTimeline();
window.drawings = drawings;
