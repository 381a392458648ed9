/** The keys, in a dialog that gives the focus back. */
import { html, LitElement, type TemplateResult } from 'lit';
import { l10n } from './l10n';
import { iconButton } from './parts';

export class Help extends LitElement {
  #before: Element | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.#before = document.activeElement;
    const dialog = this.querySelector('dialog');
    dialog?.showModal();
    dialog?.addEventListener('close', () => {
      this.dispatchEvent(new CustomEvent('wl-helped', { bubbles: true }));
      if (this.#before instanceof HTMLElement) this.#before.focus();
    });
  }

  protected override render(): TemplateResult {
    return html`<dialog class="help" aria-labelledby="help-title">
      <header>
        <h2 id="help-title">${l10n.t('Keys')}</h2>
        ${iconButton({
          icon: 'close',
          label: l10n.t('Close'),
          act: () => {
            this.querySelector('dialog')?.close();
          },
        })}
      </header>
      <div class="hcols">
        ${sections().map(
          ({ title, keys }) =>
            html`<section>
              <h3>${title}</h3>
              <dl>
                ${keys.map(
                  ([does, ...all]) =>
                    html`<div>
                      <dt>${does}</dt>
                      <dd>${all.map((key) => html`<kbd>${key}</kbd>`)}</dd>
                    </div>`,
                )}
              </dl>
            </section>`,
        )}
      </div>
    </dialog>`;
  }
}

interface Section {
  readonly title: string;
  readonly keys: readonly (readonly [does: string, ...keys: string[]])[];
}

/** Read from what the browser says of itself: the page has no other way to know. */
const isMac = (): boolean => navigator.userAgent.includes('Macintosh');

const sections = (): Section[] => [
  {
    title: l10n.t('Go'),
    keys: [
      [l10n.t('Board, Graph, Timeline, Locks, Events'), '1', '…', '5'],
      [l10n.t('Next region'), 'F6'],
      [l10n.t('Cards, rows, waves'), '↑', '↓', '←', '→'],
      [l10n.t('First, last'), 'Home', 'End'],
      [l10n.t('Next that needs attention'), 'N'],
      [l10n.t('Show in graph, in timeline, on the board'), 'G', 'M', 'B'],
    ],
  },
  {
    title: l10n.t('Act'),
    keys: [
      [l10n.t('Details; what may be done'), 'Enter'],
      [l10n.t('Actions of what is selected'), '.'],
      [l10n.t('Close details, question, search'), 'Esc'],
      [l10n.t('Open the task in its file'), 'O'],
      [l10n.t('Copy run id, link, summary'), 'C', 'L', 'Y'],
      [l10n.t('Advance Wave; why it is off'), 'A', 'Shift+A'],
      [l10n.t('Take back the last change'), isMac() ? '⌘Z' : 'Ctrl+Z'],
    ],
  },
  {
    title: l10n.t('Look'),
    keys: [
      [l10n.t('Search'), '/'],
      [l10n.t('Filters; show all'), 'F', 'Shift+F'],
      [l10n.t('Cards or lines'), 'D'],
      [l10n.t('Follow or hold the events'), 'Space'],
      [l10n.t('Zoom in, out, fit'), '+', '−', '0'],
      [l10n.t('Export what is shown'), 'E'],
      [l10n.t('These keys'), '?'],
    ],
  },
];
