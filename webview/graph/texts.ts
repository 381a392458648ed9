/** Widths of text and what fits into a width, measured once each. */
import { asText } from './runs';

/** A title has at most so many characters to fit into a node, so a long one need not be measured whole. */
const mostShown = 160;
const mostKept = 20_000;

export class Texts {
  readonly #widths = new Map<string, number>();
  readonly #fits = new Map<string, string>();

  constructor(readonly family: string) {}

  font(size: number, bold = false): string {
    return `${bold ? '600 ' : ''}${size}px ${this.family}`;
  }

  width(ctx: CanvasRenderingContext2D, text: string, size: number, bold = false): number {
    const key = `${size}${bold ? 'b' : ''} ${text}`;
    const known = this.#widths.get(key);
    if (known !== undefined) return known;
    const before = ctx.font;
    ctx.font = this.font(size, bold);
    const { width } = ctx.measureText(text);
    ctx.font = before;
    if (this.#widths.size >= mostKept) this.#widths.clear();
    this.#widths.set(key, width);
    return width;
  }

  /** The text, or as much of its beginning as fits, and an ellipsis. */
  fit(
    ctx: CanvasRenderingContext2D,
    text: string,
    size: number,
    room: number,
    bold = false,
  ): string {
    const key = `${size}${bold ? 'b' : ''} ${Math.round(room)} ${text.slice(0, mostShown)}`;
    const known = this.#fits.get(key);
    if (known !== undefined) return known;
    const fitted = this.#cut(ctx, asText(text, mostShown), size, room, bold);
    if (this.#fits.size >= mostKept) this.#fits.clear();
    this.#fits.set(key, fitted);
    return fitted;
  }

  #cut(
    ctx: CanvasRenderingContext2D,
    text: string,
    size: number,
    room: number,
    bold: boolean,
  ): string {
    const before = ctx.font;
    ctx.font = this.font(size, bold);
    // By whole characters: half of a pair is none.
    const characters = Array.from(text);
    const fits = (count: number) => ctx.measureText(cutAt(characters, count)).width <= room;
    let low = 0;
    let high = characters.length;
    if (!fits(high)) {
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if (fits(middle)) low = middle;
        else high = middle - 1;
      }
    } else low = high;
    ctx.font = before;
    return low === 0 ? '' : cutAt(characters, low);
  }
}

const cutAt = (characters: readonly string[], count: number) =>
  count === characters.length
    ? characters.join('')
    : `${characters.slice(0, count).join('').trimEnd()}…`;
