/** What lies on the graph: the key to a selection, and the tools for the view. */
import { html, nothing, type TemplateResult } from 'lit';
import { zoomStep } from './camera';
import type { Kin } from './painter';
import { labelOf, type GraphRun } from './runs';
import { graphWords } from './words';

export interface Toolbox {
  readonly zoom: number;
  readonly tree: boolean;
  zoomBy(factor: number): void;
  fit(): void;
  showTree(shown: boolean): void;
}

export function legend(
  kin: Kin | null,
  runs: readonly GraphRun[],
): TemplateResult | typeof nothing {
  const run = kin ? runs[kin.selected] : undefined;
  if (!kin || !run) return nothing;
  const { legend: word, selected, number } = graphWords;
  return html`<p class="wlg-legend">
    <span class="wlg-chosen"><b>${labelOf(run)}</b> ${selected}</span>
    <span><i class="wlg-line"></i>${word.needs} <b>${number(kin.needs)}</b></span>
    <span><i class="wlg-line wlg-dashed"></i>${word.holdsUp} <b>${number(kin.holdsUp)}</b></span>
  </p>`;
}

export function tools(box: Toolbox): TemplateResult {
  return html`<div
    class="wlg-tools"
    role="toolbar"
    aria-label=${graphWords.zoom}
    @keydown=${toNeighbour}
  >
    ${tool('zoom-out', `${graphWords.zoomOut} (-)`, () => {
      box.zoomBy(1 / zoomStep);
    })}
    <span class="wlg-zoom">${graphWords.percent(box.zoom)}</span>
    ${tool('zoom-in', `${graphWords.zoomIn} (+)`, () => {
      box.zoomBy(zoomStep);
    })}
    <span class="wlg-rule"></span>
    ${tool('screen-full', `${graphWords.fit} (0)`, () => {
      box.fit();
    })}
    ${tool(
      'list-tree',
      `${graphWords.tree} (T)`,
      () => {
        box.showTree(!box.tree);
      },
      box.tree,
    )}
  </div>`;
}

/** Tab reaches one of them, arrow keys the others. */
const firstTool = 'screen-full';

const tool = (glyph: string, word: string, act: () => void, on?: boolean) =>
  html`<button
    type="button"
    class="wlg-tool"
    aria-label=${word.replace(/ \(.*/, '')}
    aria-pressed=${on === undefined ? nothing : String(on)}
    title=${word}
    tabindex=${glyph === firstTool ? 0 : -1}
    @click=${act}
  >
    <i class="codicon codicon-${glyph}" aria-hidden="true"></i>
  </button>`;

/** Arrow keys go round the buttons of a bar. */
export function toNeighbour(event: KeyboardEvent): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  const bar = event.currentTarget;
  if (step === 0 || !(bar instanceof Element)) return;
  const all = [...bar.querySelectorAll<HTMLElement>('button')];
  const here = all.findIndex((it) => it === document.activeElement);
  event.preventDefault();
  event.stopPropagation();
  all[(here + step + all.length) % all.length]?.focus();
}
