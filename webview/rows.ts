/**
 * A list of any length of which only what is seen is in the document. Rows have heights that are known beforehand, so
 * nothing is measured. The row that has the focus stays in the document wherever it is scrolled to.
 */
import { html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';

export interface RowSource {
  readonly count: number;
  /** Pixels; a number where all are the same. */
  readonly size: number | ((index: number) => number);
  readonly keyOf: (index: number) => string;
  /** Places the row by the style that it is given. */
  readonly draw: (index: number, style: string) => TemplateResult;
  /** Rows that stay in the document. */
  readonly pinned?: readonly number[];
}

export class Rows extends LitElement {
  static override properties = { source: { attribute: false } };
  declare source: RowSource;

  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  #unmount: (() => void) | undefined;
  #size: RowSource['size'] = 0;
  #restore = 0;

  constructor() {
    super();
    this.source = { count: 0, size: 24, keyOf: String, draw: () => html`` };
    this.#virtualizer = new Virtualizer<HTMLElement, HTMLElement>(this.#options());
  }

  /** Where it is scrolled to, once it has rows. */
  restore(top: number): void {
    this.#restore = top;
    this.requestUpdate();
  }

  /** Brings a row into view; it is in the document after the next update if it is pinned. */
  reveal(index: number): void {
    const size = this.#sizeOf();
    let top = 0;
    for (let before = 0; before < index; before += 1) {
      if (typeof this.source.size === 'number') {
        top = index * this.source.size;
        break;
      }
      top += size(before);
    }
    const height = size(index);
    if (top < this.scrollTop) this.scrollTop = top;
    else if (top + height > this.scrollTop + this.clientHeight)
      this.scrollTop = top + height - this.clientHeight;
  }

  get total(): number {
    return this.#virtualizer.getTotalSize();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#unmount = this.#virtualizer._didMount();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unmount?.();
  }

  protected override willUpdate(): void {
    this.#virtualizer.setOptions(this.#options());
    // Sizes that are not all the same may be different for the same index by now.
    if (this.#size !== this.source.size) this.#virtualizer.measure();
    this.#size = this.source.size;
  }

  protected override updated(changed: PropertyValues<this>): void {
    this.#virtualizer._willUpdate();
    if (changed.has('source')) this.style.setProperty('--total', `${this.total}px`);
    if (this.#restore > 0 && this.source.count > 0 && this.clientHeight > 0) {
      this.scrollTop = this.#restore;
      this.#restore = 0;
    }
  }

  #sizeOf(): (index: number) => number {
    const { size } = this.source;
    return typeof size === 'number' ? () => size : size;
  }

  #options() {
    return {
      count: this.source.count,
      getScrollElement: () => this,
      estimateSize: this.#sizeOf(),
      overscan: 6,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => {
        this.requestUpdate();
      },
      rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
        const seen = defaultRangeExtractor(range);
        const pinned = (this.source.pinned ?? []).filter(
          (index) => index >= 0 && index < range.count && !seen.includes(index),
        );
        return pinned.length === 0 ? seen : [...seen, ...pinned].sort((a, b) => a - b);
      },
    };
  }

  protected override render(): TemplateResult {
    const { draw, keyOf } = this.source;
    return html`<div class="vlist" role="presentation" .style=${`height:${this.total}px`}>
      ${repeat(
        this.#virtualizer.getVirtualItems(),
        ({ index }) => keyOf(index),
        ({ index, start, size }) =>
          draw(index, `transform:translateY(${start}px);height:${size}px`),
      )}
    </div>`;
  }
}
