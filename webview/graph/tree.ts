/**
 * The same graph as rows: the waves, and under each its runs by rank. All that the canvas shows is said here in
 * words, for the keyboard and for those who do not see the canvas. Only a window of the rows is in the page.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Family } from './kin';
import type { Band, GraphLayout } from './layout';
import { asText, labelOf, lookOf, stateWord, type GraphRun, type GraphWave } from './runs';
import { graphWords } from './words';

export const rowHeight = 24;
/** Rows in the page on each side of what is looked at. */
const around = 12;

export type TreeRow =
  | { readonly key: string; readonly run: null; readonly band: Band }
  | { readonly key: string; readonly run: number; readonly band: Band; readonly place: number };

export interface Rows {
  readonly list: readonly TreeRow[];
  /** By run; -1 in a folded wave. */
  readonly ofRun: Int32Array;
}

export const waveKey = (wave: number | null) => `wave ${wave ?? 'none'}`;
export const runKey = (id: string) => `run ${id}`;

export function rowsOf(layout: GraphLayout, folded: ReadonlySet<string>): Rows {
  const list: TreeRow[] = [];
  const ofRun = new Int32Array(layout.ids.length).fill(-1);
  let column = 0;
  for (const band of layout.bands) {
    const key = waveKey(band.wave);
    list.push({ key, run: null, band });
    let place = 0;
    for (; layout.ranks[column]?.wave === band.wave && column < layout.ranks.length; column += 1)
      for (const run of layout.columns[column] ?? []) {
        place += 1;
        if (folded.has(key)) continue;
        ofRun[run] = list.length;
        list.push({ key: runKey(layout.ids[run] ?? ''), run, band, place });
      }
  }
  return { list, ofRun };
}

export interface TreeView {
  readonly rows: Rows;
  readonly layout: GraphLayout;
  readonly family: Family;
  readonly runs: readonly GraphRun[];
  readonly waves: ReadonlyMap<number, GraphWave>;
  readonly folded: ReadonlySet<string>;
  /** The row that Tab reaches. */
  readonly stop: number;
  readonly selected: number;
  /** The first row in view, and how many; of a hidden tree those around the stop. */
  readonly first: number;
  readonly count: number;
}

export function treeRows(view: TreeView): unknown {
  const { list } = view.rows;
  const first = Math.max(0, view.first - around);
  const last = Math.min(list.length, view.first + view.count + around);
  const shown = list.slice(first, last).map((row, place) => ({ row, index: first + place }));
  // Where the keyboard is stays in the page, however far away one scrolls.
  const stop = list[view.stop];
  if (stop && view.stop < first) shown.unshift({ row: stop, index: view.stop });
  if (stop && view.stop >= last) shown.push({ row: stop, index: view.stop });
  return repeat(
    shown,
    ({ row }) => row.key,
    ({ row, index }) =>
      row.run === null ? waveRow(view, row.band, index) : runRow(view, row, index),
  );
}

const place = (index: number) => `transform:translateY(${index * rowHeight}px)`;

function waveRow(view: TreeView, band: Band, index: number): TemplateResult {
  const key = waveKey(band.wave);
  const wave = band.wave === null ? undefined : view.waves.get(band.wave);
  const open = !view.folded.has(key);
  return html`<div
    role="row"
    class="wlg-row wlg-wave"
    aria-level="1"
    aria-posinset=${view.layout.bands.indexOf(band) + 1}
    aria-setsize=${view.layout.bands.length}
    aria-expanded=${String(open)}
    aria-rowindex=${index + 2}
    data-row=${key}
    tabindex=${index === view.stop ? 0 : -1}
    .style=${place(index)}
  >
    <span role="rowheader" class="wlg-c-run"
      ><i class="codicon codicon-chevron-${open ? 'down' : 'right'}" aria-hidden="true"></i
      ><b class="wlg-ell"
        >${graphWords.waveRow(band.wave, wave && wave.name !== undefined ? asText(wave.name) : undefined)}</b
      ></span
    ><span role="gridcell" class="wlg-c-state wlg-soft"
      >${wave ? graphWords.share(wave.completed, wave.all) : graphWords.runs(band.runs)}</span
    >
  </div>`;
}

function runRow(
  view: TreeView,
  row: TreeRow & { run: number; place: number },
  index: number,
): TemplateResult {
  const run = view.runs[row.run];
  if (!run) return html`${nothing}`;
  const look = lookOf(run.status);
  const title = asText(run.title);
  return html`<div
    role="row"
    class="wlg-row"
    aria-level="2"
    aria-posinset=${row.place}
    aria-setsize=${row.band.runs}
    aria-rowindex=${index + 2}
    aria-selected=${String(row.run === view.selected)}
    data-row=${row.key}
    tabindex=${index === view.stop ? 0 : -1}
    .style=${place(index)}
  >
    <span role="rowheader" class="wlg-c-run"
      ><i class="codicon codicon-${look.glyph} wlg-hue-${look.hue}" aria-hidden="true"></i
      ><span class="wlg-id">${labelOf(run)}</span>
      <bdi class="wlg-ell" title=${title}>${title}</bdi></span
    ><span role="gridcell" class="wlg-c-state">${stateWord(run)}</span
    ><span role="gridcell" class="wlg-c-agent wlg-soft wlg-ell"
      ><bdi>${run.agent === null ? graphWords.noAgent : asText(run.agent)}</bdi></span
    ><span role="gridcell" class="wlg-c-kin wlg-soft"
      >${graphWords.needs(view.family.degree('needs', row.run))}</span
    ><span role="gridcell" class="wlg-c-kin wlg-soft"
      >${graphWords.holdsUp(view.family.degree('holdsUp', row.run))}</span
    >
  </div>`;
}
