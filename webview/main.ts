/** Entry of the panel's page: registers the elements and carries messages between them and the host. */
import * as z from 'zod/mini';
import { toPanel, type ToHost } from '../src/shared/protocol';
import { Board } from './board';
import { registerControls } from './controls';
import { Panel, type PanelHost, type PanelReply, type Unfolded } from './panel';

interface VsCodeApi {
  postMessage(message: ToHost): void;
  getState(): unknown;
  setState(state: SavedState): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

const savedState = z.object({ unfolded: z.record(z.string(), z.array(z.number())) });
type SavedState = z.infer<typeof savedState>;

class HostLink implements PanelHost {
  readonly #waiting = new Map<number, (reply: PanelReply) => void>();
  #lastRequest = 0;

  constructor(readonly api: VsCodeApi) {}

  request(message: Parameters<PanelHost['request']>[0]): Promise<PanelReply> {
    const request = ++this.#lastRequest;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.api.postMessage({ ...message, request });
    });
  }

  settle(reply: PanelReply): void {
    this.#waiting.get(reply.request)?.(reply);
    this.#waiting.delete(reply.request);
  }

  load(): Unfolded {
    const saved = savedState.safeParse(this.api.getState());
    return saved.success ? saved.data.unfolded : {};
  }

  save(unfolded: Unfolded): void {
    this.api.setState({ unfolded });
  }
}

registerControls();
customElements.define('wl-board', Board);
customElements.define('wl-panel', Panel);

const link = new HostLink(acquireVsCodeApi());
const panel = document.querySelector<Panel>('wl-panel') ?? document.body.appendChild(new Panel());
panel.host = link;

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const message = toPanel.safeParse(event.data);
  if (!message.success) {
    console.warn('Wavelock: a message that is not of the protocol was ignored', message.error);
    return;
  }
  switch (message.data.type) {
    case 'state':
      panel.state = message.data.state;
      break;
    case 'reply':
      link.settle(message.data);
      break;
  }
});
link.api.postMessage({ type: 'ready' });
