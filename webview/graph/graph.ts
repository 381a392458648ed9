/**
 * The run graph: a canvas to look at and a treegrid to use, which show the same. The keyboard's focus is always in
 * the treegrid; while that is hidden, the canvas marks the focused run and arrow keys go where the eye would.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Camera } from './camera';
import { zoomStep } from './camera';
import { Family } from './kin';
import { layOut, sameShape, type GraphLayout } from './layout';
import { minimapPadding, minimapScale } from './minimap';
import { runAt, type Kin } from './painter';
import {
  asText,
  labelOf,
  RunOpenEvent,
  RunSelectEvent,
  stateWord,
  ViewEvent,
  type GraphRun,
  type GraphWave,
} from './runs';
import { Stage } from './stage';
import { dragFrom } from './drag';
import { legend, tools, type Toolbox } from './furniture';
import { neighbourOf, type Direction } from './steps';
import { rowHeight, rowsOf, runKey, treeRows, waveKey, type Rows, type TreeRow } from './tree';
import { graphWords } from './words';

export interface GraphView {
  readonly camera: Camera | null;
  readonly tree: boolean;
}

const keyPan = 80;

export class Graph extends LitElement {
  static override properties = {
    runs: { attribute: false },
    waves: { attribute: false },
    current: { attribute: false },
    selected: { attribute: false },
    tree: { state: true },
    zoom: { state: true },
    stop: { state: true },
    scrolled: { state: true },
    folded: { state: true },
  };
  declare runs: readonly GraphRun[];
  declare waves: readonly GraphWave[];
  /** The wave under way. */
  declare current: number | null;
  /** The id of the selected run. */
  declare selected: string | null;
  declare tree: boolean;
  declare zoom: number;
  /** The key of the row that Tab reaches. */
  declare stop: string | null;
  declare scrolled: { readonly top: number; readonly height: number };
  declare folded: ReadonlySet<string>;

  #stage: Stage | null = null;
  #layout: GraphLayout = layOut([]);
  /** The runs that have a place, in the order of the layout. */
  #placed: readonly GraphRun[] = [];
  #family = new Family(this.#layout);
  #kin: Kin | null = null;
  #rows: Rows = { list: [], ofRun: new Int32Array(0) };
  #wasAt = 0;
  readonly #sizes = new ResizeObserver(() => {
    this.#scroll();
  });
  #hadFocus = false;
  #handOver = false;
  #restored: Camera | null = null;
  #wavesByNumber: ReadonlyMap<number, GraphWave> = new Map();

  constructor() {
    super();
    this.runs = [];
    this.waves = [];
    this.current = null;
    this.selected = null;
    this.tree = false;
    this.zoom = 1;
    this.stop = null;
    this.scrolled = { top: 0, height: 0 };
    this.folded = new Set();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stage?.dispose();
    this.#sizes.disconnect();
    this.#stage = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Moved in the page: what it drew upon is still there.
    if (this.hasUpdated) this.#raise();
  }

  /** What a person has made of the view, to be kept over a reload. */
  get view(): GraphView {
    return { camera: this.#stage?.camera ?? this.#restored, tree: this.tree };
  }
  set view({ camera, tree }: GraphView) {
    this.tree = tree;
    this.#restored = camera;
    if (camera) this.#stage?.move(camera, false);
  }

  /** How many frames have been drawn. */
  get frames(): number {
    return this.#stage?.frames ?? 0;
  }

  fit(): void {
    this.#stage?.fit();
  }

  /** About the middle of what is seen. */
  zoomBy(factor: number): void {
    this.#stage?.zoom(factor);
  }

  /** Brings a run into view and the keyboard to it. False when it is not shown. */
  async focusRun(id: string): Promise<boolean> {
    await this.updateComplete;
    const run = this.#layout.index.get(id);
    if (run === undefined) return false;
    const band = this.#layout.ranks[this.#layout.column[run] ?? 0]?.wave ?? null;
    if (this.folded.has(waveKey(band)))
      this.folded = new Set([...this.folded].filter((key) => key !== waveKey(band)));
    this.stop = runKey(id);
    await this.updateComplete;
    this.#focusStop();
    this.#stage?.reveal(run);
    return true;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.#handOver = this.#treeElement?.contains(document.activeElement) ?? false;
    this.#hadFocus = this.#handOver;
    const before = this.#placed;
    let reshaped = false;
    if (changed.has('runs')) {
      reshaped = !sameShape(changed.get('runs') ?? [], this.runs);
      if (reshaped) this.#reshape();
      else if (this.runs.length === this.#layout.ids.length) this.#placed = this.runs;
      else this.#placed = this.#inOrder();
    }
    if (changed.has('waves'))
      this.#wavesByNumber = new Map(this.waves.map((wave) => [wave.number, wave]));
    if (reshaped || changed.has('folded')) this.#rows = rowsOf(this.#layout, this.folded);
    if (reshaped || changed.has('selected')) {
      const run = this.selected === null ? undefined : this.#layout.index.get(this.selected);
      this.#kin = run === undefined ? null : this.#family.of(run);
    }
    this.#keepStop();
    const only = [...changed.keys()].every((key) => key === 'runs' || key === 'zoom');
    const differing =
      only && !reshaped
        ? this.#placed.flatMap((run, index) => (run === before[index] ? [] : [index]))
        : undefined;
    this.#show(differing);
  }

  #reshape(): void {
    this.#layout = layOut(this.runs, this.#layout.ids.length > 0 ? this.#layout : undefined);
    this.#placed = this.runs.length === this.#layout.ids.length ? this.runs : this.#inOrder();
    this.#family = new Family(this.#layout);
  }

  /** Of runs that are given twice, the first. */
  #inOrder(): readonly GraphRun[] {
    const seen = new Set<string>();
    return this.runs.filter(({ id }) => !seen.has(id) && seen.add(id));
  }

  #show(changed?: readonly number[]): void {
    const row = this.#hadFocus && !this.tree ? this.#rows.list[this.#stopIndex()] : undefined;
    this.#stage?.show(
      {
        layout: this.#layout,
        runs: this.#placed,
        waves: this.#wavesByNumber,
        current: this.current,
        kin: this.#kin,
        focused: row?.run ?? -1,
      },
      changed,
    );
  }

  /** If the row of the tab stop is gone, the one that stands in its place. */
  #keepStop(): void {
    const { list } = this.#rows;
    if (this.stop !== null) {
      const index = this.#indexOf(this.stop);
      if (index >= 0) {
        this.#wasAt = index;
        return;
      }
    }
    const row = list[Math.min(this.stop === null ? 1 : this.#wasAt, list.length - 1)];
    this.stop = row?.key ?? null;
  }

  #indexOf(key: string): number {
    if (this.#rows.list[this.#wasAt]?.key === key) return this.#wasAt;
    if (key.startsWith('run ')) {
      const run = this.#layout.index.get(key.slice(4));
      return run === undefined ? -1 : (this.#rows.ofRun[run] ?? -1);
    }
    return this.#rows.list.findIndex((row) => row.key === key);
  }

  #stopIndex(): number {
    return this.stop === null ? -1 : this.#indexOf(this.stop);
  }

  protected override firstUpdated(): void {
    this.#raise();
  }

  #raise(): void {
    const canvas = this.querySelector<HTMLCanvasElement>('.wlg-canvas');
    const minimap = this.querySelector<HTMLCanvasElement>('.wlg-minimap');
    if (!canvas || !minimap) return;
    this.#stage = new Stage(this, canvas, minimap, () => {
      const zoom = this.#stage?.camera.zoom ?? 1;
      if (zoom !== this.zoom) this.zoom = zoom;
      this.dispatchEvent(new ViewEvent());
    });
    const tree = this.#treeElement;
    if (tree) this.#sizes.observe(tree);
    this.#show();
    if (this.#restored) this.#stage.move(this.#restored, false);
  }

  protected override updated(changed: PropertyValues<this>): void {
    // A row that goes away loses the focus without anybody having left it.
    if (
      this.#handOver &&
      document.hasFocus() &&
      !this.#treeElement?.contains(document.activeElement)
    )
      this.#focusStop();
    if (!changed.has('tree')) return;
    if (this.tree) this.#scrollTo(this.#stopIndex());
    this.dispatchEvent(new ViewEvent());
  }

  get #treeElement(): HTMLElement | null {
    return this.querySelector('.wlg-tree');
  }

  #focusStop(): void {
    this.querySelector<HTMLElement>('.wlg-row[tabindex="0"]')?.focus({ preventScroll: true });
    if (this.tree) this.#scrollTo(this.#stopIndex());
  }

  #scrollTo(index: number): void {
    const tree = this.#treeElement;
    if (!tree || index < 0) return;
    const top = index * rowHeight;
    const room = tree.clientHeight - rowHeight;
    if (top < tree.scrollTop) tree.scrollTop = top;
    else if (top + rowHeight > tree.scrollTop + room) tree.scrollTop = top + rowHeight - room;
  }

  #select(run: string | null): void {
    if (this.selected === run) return;
    this.selected = run;
    this.dispatchEvent(new RunSelectEvent(run));
  }

  async #goTo(row: TreeRow | undefined): Promise<void> {
    if (!row) return;
    this.stop = row.key;
    await this.updateComplete;
    this.#focusStop();
    if (row.run !== null) this.#stage?.reveal(row.run);
  }

  #keydown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (!this.#key(event.key, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #key(key: string, shift: boolean): boolean {
    const row = this.#rows.list[this.#stopIndex()];
    const step = steps[key];
    if (shift && step && !this.tree) {
      this.#stage?.pan(step.x * keyPan, step.y * keyPan);
      return true;
    }
    switch (key) {
      case '+':
      case '=':
        this.#stage?.zoom(zoomStep);
        return true;
      case '-':
        this.#stage?.zoom(1 / zoomStep);
        return true;
      case '0':
        this.fit();
        return true;
      case 't':
      case 'T':
        this.tree = !this.tree;
        return true;
      case 'Enter':
        if (row?.run === null) this.#fold(row);
        else if (row) this.#open(row.run);
        return row !== undefined;
      case ' ':
        if (row && row.run !== null) this.#select(this.#layout.ids[row.run] ?? null);
        return row !== undefined;
      case 'Escape':
        if (this.selected === null) return false;
        this.#select(null);
        return true;
      case 'Home':
      case 'End':
        void this.#goTo(this.#rows.list.at(key === 'Home' ? 0 : -1));
        return true;
      default:
        if (!step || !row) return false;
        void this.#goTo(
          this.tree || row.run === null
            ? this.#treeStep(row, step)
            : this.#graphStep(row.run, step),
        );
        return true;
    }
  }

  #graphStep(run: number, step: Direction): TreeRow | undefined {
    const next = neighbourOf(this.#layout, this.#family, run, step);
    if (next < 0) return undefined;
    const row = this.#rows.ofRun[next] ?? -1;
    if (row >= 0) return this.#rows.list[row];
    // In a wave that is folded in the tree: the canvas shows its runs, so it is unfolded.
    const wave = waveKey(this.#layout.ranks[this.#layout.column[next] ?? 0]?.wave ?? null);
    this.folded = new Set([...this.folded].filter((key) => key !== wave));
    this.#rows = rowsOf(this.#layout, this.folded);
    return this.#rows.list[this.#rows.ofRun[next] ?? -1];
  }

  #treeStep(row: TreeRow, { x, y }: Direction): TreeRow | undefined {
    const { list } = this.#rows;
    const index = this.#stopIndex();
    if (y !== 0) return list[index + y];
    const open = !this.folded.has(waveKey(row.band.wave));
    if (row.run !== null) return x < 0 ? list[this.#indexOf(waveKey(row.band.wave))] : undefined;
    if (x > 0 && open) return list[index + 1];
    if (open === x < 0) this.#fold(row);
    return undefined;
  }

  #fold(row: TreeRow): void {
    const key = waveKey(row.band.wave);
    const folded = new Set(this.folded);
    if (!folded.delete(key)) folded.add(key);
    this.folded = folded;
  }

  #open(run: number): void {
    const id = this.#layout.ids[run];
    if (id === undefined) return;
    this.#select(id);
    this.dispatchEvent(new RunOpenEvent(id));
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    if (event.ctrlKey || event.metaKey) {
      const factor = Math.exp(-event.deltaY * lines * 0.004);
      this.#stage?.zoom(factor, { x: event.offsetX, y: event.offsetY });
    } else if (event.shiftKey && event.deltaX === 0) this.#stage?.pan(event.deltaY * lines, 0);
    else this.#stage?.pan(event.deltaX * lines, event.deltaY * lines);
  }

  #press(event: PointerEvent): void {
    const canvas = event.currentTarget;
    if (event.button > 1 || !(canvas instanceof HTMLCanvasElement)) return;
    // The focus stays with the rows, not with the page.
    event.preventDefault();
    const point = { x: event.offsetX, y: event.offsetY };
    dragFrom(canvas, event, {
      moved: (dx, dy) => this.#stage?.pan(-dx, -dy),
      clicked: () => {
        if (event.button === 0) this.#click(point);
      },
    });
  }

  #click(point: { x: number; y: number }): void {
    const run = this.#runAt(point);
    this.#select(this.#layout.ids[run] ?? null);
    if (run < 0) return;
    void this.focusRun(this.#layout.ids[run] ?? '');
  }

  #runAt(point: { x: number; y: number }): number {
    return this.#stage ? runAt(this.#layout, this.#stage.camera, point) : -1;
  }

  #hover(event: PointerEvent): void {
    const canvas = event.currentTarget;
    if (!(canvas instanceof HTMLCanvasElement) || event.buttons > 0) return;
    const run = this.#placed[this.#runAt({ x: event.offsetX, y: event.offsetY })];
    canvas.classList.toggle('over', run !== undefined);
    const title = run
      ? [
          `${labelOf(run)} ${asText(run.title)}`,
          stateWord(run),
          run.agent === null ? '' : asText(run.agent),
        ]
          .filter((line) => line !== '')
          .join('\n')
      : '';
    if (canvas.title !== title) canvas.title = title;
  }

  /** The part of the overview that is pressed comes into the middle. */
  #overview(event: PointerEvent): void {
    if (event.buttons !== 1 || !this.#stage) return;
    event.preventDefault();
    const scale = minimapScale(this.#layout);
    const { camera, view } = this.#stage;
    const x = (event.offsetX - minimapPadding) / scale.x - view.width / camera.zoom / 2;
    const y = (event.offsetY - minimapPadding) / scale.y - view.height / camera.zoom / 2;
    this.#stage.move({ x, y, zoom: camera.zoom }, false);
  }

  protected override render(): TemplateResult {
    const stop = this.#stopIndex();
    const { list } = this.#rows;
    const first = this.tree ? Math.floor(this.scrolled.top / rowHeight) : Math.max(0, stop);
    const count = this.tree ? Math.ceil(this.scrolled.height / rowHeight) : 1;
    const rows = treeRows({
      rows: this.#rows,
      layout: this.#layout,
      family: this.#family,
      runs: this.#placed,
      waves: this.#wavesByNumber,
      folded: this.folded,
      stop,
      selected: this.#kin?.selected ?? -1,
      first,
      count,
    });
    const { columns } = graphWords;
    return html`<canvas
        class="wlg-canvas"
        aria-hidden="true"
        @wheel=${this.#onWheel}
        @pointerdown=${this.#press}
        @pointermove=${this.#hover}
        @dblclick=${(event: MouseEvent) => {
          const run = this.#runAt({ x: event.offsetX, y: event.offsetY });
          if (run >= 0) this.#open(run);
        }}
      ></canvas>
      ${
        list.length === 0
          ? html`<div class="wlg-blank">
              <h3>${graphWords.empty.title}</h3>
              <p>${graphWords.empty.note}</p>
            </div>`
          : nothing
      }
      <div
        class="wlg-tree ${this.tree ? 'wlg-shown' : ''}"
        role=${list.length === 0 ? nothing : 'treegrid'}
        aria-label=${list.length === 0 ? nothing : graphWords.graph}
        aria-description=${list.length === 0 ? nothing : graphWords.help}
        aria-rowcount=${list.length === 0 ? nothing : list.length + 1}
        @keydown=${this.#keydown}
        @focusin=${this.#focusIn}
        @focusout=${this.#focusOut}
        @click=${this.#clickRow}
        @dblclick=${this.#doubleClickRow}
        @scroll=${this.#scroll}
      >
        ${
          list.length === 0
            ? nothing
            : html`<div role="row" class="wlg-head" aria-rowindex="1">
                  <span role="columnheader" class="wlg-c-run">${columns.run}</span
                  ><span role="columnheader" class="wlg-c-state">${columns.state}</span
                  ><span role="columnheader" class="wlg-c-agent">${columns.agent}</span
                  ><span role="columnheader" class="wlg-c-kin">${columns.needs}</span
                  ><span role="columnheader" class="wlg-c-kin">${columns.holdsUp}</span>
                </div>
                <div
                  role="rowgroup"
                  class="wlg-rows"
                  .style=${`height:${list.length * rowHeight}px`}
                >
                  ${rows}
                </div>`
        }
      </div>
      ${this.tree ? nothing : legend(this.#kin, this.#placed)}
      <div class="wlg-corner">
        ${list.length === 0 ? nothing : tools(this.#toolbox)}
        <canvas
          class="wlg-minimap"
          hidden
          aria-hidden="true"
          title=${graphWords.overview}
          @pointerdown=${this.#overview}
          @pointermove=${this.#overview}
        ></canvas>
      </div>`;
  }

  get #toolbox(): Toolbox {
    return {
      zoom: this.zoom,
      tree: this.tree,
      zoomBy: (factor) => this.#stage?.zoom(factor),
      fit: () => {
        this.fit();
      },
      showTree: (shown) => (this.tree = shown),
    };
  }

  // The browser must know that a wheel's event may be stopped.
  readonly #onWheel = {
    passive: false,
    handleEvent: (event: WheelEvent) => {
      this.#wheel(event);
    },
  };

  #focusIn(event: FocusEvent): void {
    const key = event.target instanceof HTMLElement ? event.target.dataset['row'] : undefined;
    this.#hadFocus = true;
    if (key !== undefined && key !== this.stop) this.stop = key;
    else this.#show();
  }

  #focusOut(): void {
    this.#hadFocus = false;
    this.#show();
  }

  #clickRow(event: MouseEvent): void {
    const row = this.#rowOf(event);
    if (!row) return;
    if (row.run === null) this.#fold(row);
    else this.#select(this.#layout.ids[row.run] ?? null);
  }

  #doubleClickRow(event: MouseEvent): void {
    const run = this.#rowOf(event)?.run ?? null;
    if (run !== null) this.#open(run);
  }

  #rowOf(event: MouseEvent): TreeRow | undefined {
    const element =
      event.target instanceof Element ? event.target.closest<HTMLElement>('.wlg-row') : null;
    const key = element?.dataset['row'];
    return key === undefined ? undefined : this.#rows.list[this.#indexOf(key)];
  }

  #scroll(): void {
    const tree = this.#treeElement;
    if (!tree || !this.tree) return;
    const { scrollTop: top, clientHeight: height } = tree;
    if (top !== this.scrolled.top || height !== this.scrolled.height)
      this.scrolled = { top, height };
  }
}

const steps: Readonly<Record<string, Direction>> = {
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
};

export function registerGraph(): void {
  if (!customElements.get('wl-graph')) customElements.define('wl-graph', Graph);
}
