/**
 * What a screen reader is told. The last few stay, each a line of its own: an answer and the change that it caused
 * come within milliseconds of each other and in either order, and in a single text the second would swallow the first.
 */
import { html, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { l10n } from './l10n';
import type { Model, Moved } from './model';
import { titleOf } from './scope';
import { looks } from './states';

const kept = 4;

interface Saying {
  readonly nr: number;
  readonly text: string;
}

export class Sayings {
  #last: readonly Saying[] = [];
  #count = 0;
  /** Where each workflow was, by its key; behind the last wave when it is completed. */
  readonly #places = new Map<string, number>();

  constructor(private readonly redraw: () => void) {}

  say(text: string): void {
    this.#count += 1;
    this.#last = [...this.#last, { nr: this.#count, text }].slice(-kept);
    this.redraw();
  }

  /**
   * Says what people would see: a workflow that has gone on, and the item that is looked at in another state.
   * @returns the workflows that are in another wave
   */
  follow(model: Model, moved: readonly Moved[], lookedAt: string | null): readonly string[] {
    const elsewhere: string[] = [];
    for (const [key, { wave, waveCount, name, completed }] of model.workflows) {
      const place = completed ? waveCount + 1 : wave;
      const before = this.#places.get(key);
      this.#places.set(key, place);
      if (before === undefined || before === place) continue;
      elsewhere.push(key);
      if (completed) this.say(l10n.t('{0} is completed', name));
      else if (place > before)
        this.say(l10n.t('{0} advanced to wave {1} of {2}', name, wave, waveCount));
      else this.say(l10n.t('{0} went back to wave {1} of {2}', name, wave, waveCount));
    }
    const [only, ...more] = moved;
    if (only?.key === lookedAt && more.length === 0)
      this.say(
        l10n.t('{0}: {1}', only.now.task?.id ?? titleOf(only.now), looks[only.now.bucket].group),
      );
    return elsewhere;
  }

  render(): TemplateResult {
    // A log, not a status: of a status all lines are read again whenever one is added.
    return html`<div class="sr" role="log" data-sayings>
      ${repeat(
        this.#last,
        ({ nr }) => nr,
        ({ text }) => html`<p data-said>${text}</p>`,
      )}
    </div>`;
  }
}
