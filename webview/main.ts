/** Entry of the panel's page: registers the elements and joins the panel to the host. */
import * as z from 'zod/mini';
import type { ToHost } from '../src/shared/protocol';
import { Ask } from './ask';
import { Board } from './board';
import { Column } from './column';
import { registerControls } from './controls';
import { Drawer } from './drawer';
import { Events } from './events';
import { registerGraph } from './graph/graph';
import { Help } from './help';
import { l10n } from './l10n';
import { Link } from './link';
import { Locks } from './locks';
import { remembered, type Memory } from './memory';
import { Menu } from './menu';
import type { Model } from './model';
import { Panel } from './panel';
import { Rows } from './rows';
import { registerTimeline } from './timeline/timeline';

// Schemas made into code would be a violation of the content policy.
z.config({ jitless: true });

interface VsCodeApi {
  postMessage(message: ToHost): void;
  getState(): unknown;
  setState(state: Memory): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

registerControls();
registerGraph();
registerTimeline();
for (const [name, element] of [
  ['wl-ask', Ask],
  ['wl-board', Board],
  ['wl-column', Column],
  ['wl-drawer', Drawer],
  ['wl-events', Events],
  ['wl-help', Help],
  ['wl-locks', Locks],
  ['wl-menu', Menu],
  ['wl-rows', Rows],
  ['wl-panel', Panel],
] as const)
  customElements.define(name, element);

const api = acquireVsCodeApi();
const panel = document.querySelector<Panel>('wl-panel') ?? document.body.appendChild(new Panel());
let model: Model | null = null;

const link = new Link(
  {
    post: (message) => {
      api.postMessage(message);
    },
    now: Date.now,
    frame: (work) => {
      requestAnimationFrame(work);
    },
    warn: (text, error) => {
      console.warn(`Wavelock: ${text}`, error);
    },
  },
  {
    hello: (language, words) => {
      document.documentElement.lang = language;
      l10n.use(language, words);
      panel.requestUpdate();
    },
    began: (begun) => {
      performance.mark('wavelock:model');
      model = begun;
      panel.follow(begun, []);
    },
    changed: (moved) => {
      if (model) panel.follow(model, moved);
    },
    gaveUp: () => {
      panel.failed = true;
    },
  },
);

panel.host = {
  request: (wish) => link.request(wish),
  load: () => remembered(api.getState()),
  save: (memory) => {
    api.setState(memory);
  },
};
window.addEventListener('message', (event: MessageEvent<unknown>) => {
  link.receive(event.data);
});
link.start();
