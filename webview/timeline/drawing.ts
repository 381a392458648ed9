/** The marks of a row as elements, and the key to them. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Marks, Span } from './marks';
import { timelineWords } from './words';

const at = ({ x, width }: Span) => `left:${x.toFixed(1)}px;width:${width.toFixed(1)}px`;

export function drawMarks(marks: Marks, glyph: string): TemplateResult {
  const { wait, bar, gap, ghost, elbow, text } = marks;
  const solid = bar && gap ? { x: bar.x, width: Math.max(0, gap.x - bar.x) } : bar;
  return html`${wait ? html`<i class="wlt-wait" .style=${at(wait)}></i>` : nothing}${
    marks.made !== null ? html`<i class="wlt-made" .style=${`left:${marks.made}px`}></i>` : nothing
  }${elbow ? html`<i class="wlt-elbow" .style=${at(elbow)}></i>` : nothing}${
    solid && solid.width > 0
      ? html`<i class="wlt-bar ${marks.live ? 'wlt-live' : ''}" .style=${at(solid)}></i>`
      : nothing
  }${gap ? html`<i class="wlt-bar wlt-gap" .style=${at(gap)}></i>` : nothing}${
    ghost ? html`<i class="wlt-bar wlt-ghost" .style=${at(ghost)}></i>` : nothing
  }${marks.ticks.map((x) => html`<i class="wlt-tick" .style=${`left:${x.toFixed(1)}px`}></i>`)}${
    text
      ? html`<span
          class="wlt-text"
          aria-hidden="true"
          .style=${text.side === 'right' ? `left:${text.x}px` : `right:${text.x}px`}
          ><i class="codicon codicon-${glyph} wlt-hue wlt-${marks.hue}"></i
          ><span>${marks.word}</span><span class="wlt-soft">${marks.detail}</span></span
        >`
      : nothing
  }`;
}

/** What the marks mean. */
export function legend(): TemplateResult {
  const { key } = timelineWords;
  return html`<p class="wlt-key wlt-soft" aria-hidden="true">
    <span><i class="wlt-k wlt-k-wait"></i>${key.waiting}</span>
    <span><i class="wlt-k wlt-bar wlt-live wlt-blue"></i>${key.running}</span>
    <span><i class="wlt-k wlt-bar wlt-gap wlt-blue"></i>${key.gap}</span>
    <span><i class="wlt-k-tick"></i>${key.transition}</span>
    <span><i class="wlt-k-elbow"></i>${key.retry}</span>
    <span><i class="wlt-k wlt-bar wlt-ghost wlt-purple"></i>${key.due}</span>
  </p>`;
}
