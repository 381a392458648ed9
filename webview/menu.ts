/** A button that opens a small list below it: choices to tick, or things to do. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { glyph, isShown } from './parts';

export class Menu extends LitElement {
  static override properties = {
    label: { attribute: false },
    icon: { attribute: false },
    share: { attribute: false },
    content: { attribute: false },
    open: { state: true },
  };
  declare label: string;
  /** In place of the label, which is told then only. */
  declare icon: string | null;
  declare share: string;
  declare content: () => TemplateResult;
  declare open: boolean;

  constructor() {
    super();
    this.label = '';
    this.icon = null;
    this.share = '';
    this.content = () => html``;
    this.open = false;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener('focusout', (event) => {
      if (!this.contains(event.relatedTarget as Node | null) && document.hasFocus())
        this.open = false;
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  get #inside(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>('.menu :is(button, input)')].filter(isShown);
  }

  #key(event: KeyboardEvent): void {
    const inside = this.#inside;
    const at = inside.indexOf(event.target as HTMLElement);
    if (event.key === 'Escape' && this.open) {
      this.close();
    } else if (event.key === 'ArrowDown' && this.open) {
      inside[(at + 1) % inside.length]?.focus();
    } else if (event.key === 'ArrowUp' && this.open) {
      inside[(at - 1 + inside.length) % inside.length]?.focus();
    } else if (event.key === 'ArrowDown' && !this.open) {
      this.show();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show(): void {
    this.open = true;
    void this.updateComplete.then(() => this.#inside[0]?.focus());
  }

  close(): void {
    this.open = false;
    this.querySelector<HTMLElement>('.drop')?.focus();
  }

  protected override render(): TemplateResult {
    return html`<button
        class=${this.icon === null ? 'chip drop' : 'ib drop'}
        aria-haspopup="true"
        aria-expanded=${String(this.open)}
        aria-label=${this.icon === null ? nothing : this.label}
        title=${this.icon === null ? nothing : this.label}
        @click=${() => {
          if (this.open) this.open = false;
          else this.show();
        }}
      >
        ${
          this.icon === null
            ? html`<span>${this.label}</span
                ><span class="num dim">${this.share}</span>${glyph('chevron-down')}`
            : glyph(this.icon)
        }
      </button>
      ${
        this.open
          ? html`<div class="menu" role="group" aria-label=${this.label}>${this.content()}</div>`
          : nothing
      }`;
  }
}
