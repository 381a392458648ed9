/** A question before something that cannot be taken back: one line, its button, and a way out. */
import { html, LitElement, type TemplateResult } from 'lit';
import type { Action } from './actions';
import { l10n } from './l10n';
import { DoEvent } from './parts';

export class Ask extends LitElement {
  static override properties = {
    action: { attribute: false },
    about: { attribute: false },
    reason: { state: true },
  };
  declare action: Action;
  declare about: string;
  declare reason: string;

  constructor() {
    super();
    this.about = '';
    this.reason = '';
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      this.#end();
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.querySelector('input')?.focus();
  }

  #end(): void {
    this.dispatchEvent(new CustomEvent('wl-asked', { bubbles: true }));
  }

  readonly #submit = (event: Event): void => {
    event.preventDefault();
    const reason = this.reason.trim();
    if (this.action.asks === 'must' && reason === '') {
      this.querySelector('input')?.focus();
      return;
    }
    this.dispatchEvent(new DoEvent(this.action.wish(reason)));
    this.#end();
  };

  protected override render(): TemplateResult {
    const must = this.action.asks === 'must';
    return html`<form class="ask" @submit=${this.#submit}>
      <label
        ><span class="dim">${this.about}</span
        ><input
          type="text"
          maxlength="500"
          aria-required=${String(must)}
          placeholder=${must ? l10n.t('Why? It is kept with the event') : l10n.t('Why? It may be left empty')}
          .value=${this.reason}
          @input=${(event: Event) => {
            this.reason = (event.target as HTMLInputElement).value;
          }}
      /></label>
      <button
        class="btn primary"
        type="submit"
        aria-disabled=${String(must && this.reason.trim() === '')}
      >
        ${this.action.label.replace('…', '')}</button
      ><button
        class="btn"
        type="button"
        @click=${() => {
          this.#end();
        }}
      >
        ${l10n.t('Keep it')}
      </button>
    </form>`;
  }
}
