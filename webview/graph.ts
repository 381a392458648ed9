/**
 * What needs what: all items of a scope as a graph on a canvas, and the same as a treegrid for the keyboard and for
 * those who hear it. Both show one selection and one focus; the treegrid can be put beside the canvas to be seen.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { PanelWorkflow } from '../src/shared/protocol';
import { waveName } from './board';
import { needsOf } from './drawer';
import {
  drawGraph,
  nodeAt,
  paletteOf,
  type Camera,
  type NodeLook,
  type Palette,
} from './graphCanvas';
import { layoutOf, nodeHeight, nodeWidth, type GraphLayout, type GraphShape } from './graphLayout';
import { l10n, number } from './l10n';
import { keyOfRun } from './model';
import { blank, glyph, iconButton, SelectEvent, stateGlyph } from './parts';
import type { Rows, RowSource } from './rows';
import { bucketWord, itemWord, type Around } from './say';
import { agentOf, stateOfBucket, titleOf, type Scope } from './scope';
import type { ItemState } from './states';

const rowHeight = 24;
const zooms = { least: 0.02, most: 2, step: 1.25 } as const;

type TreeRow =
  | { readonly kind: 'wave'; readonly wave: number; readonly count: number }
  | { readonly kind: 'item'; readonly key: string; readonly wave: number };

export class Graph extends LitElement {
  static override properties = {
    around: { attribute: false },
    workflow: { attribute: false },
    shown: { attribute: false },
    unseen: { attribute: false },
    selected: { attribute: false },
    version: { attribute: false },
    tree: { attribute: false },
    camera: { attribute: false },
    closed: { state: true },
    stop: { state: true },
    focusedKey: { state: true },
  };
  declare around: Around;
  declare workflow: PanelWorkflow | null;
  declare shown: Scope;
  declare unseen: ReadonlySet<ItemState>;
  declare selected: string | null;
  declare version: unknown;
  /** The treegrid stands beside the canvas. */
  declare tree: boolean;
  /** Null is: all of it, as large as it goes. */
  declare camera: Camera | null;
  declare closed: ReadonlySet<number>;
  declare stop: string | null;
  declare focusedKey: string | null;

  layout: GraphLayout = layoutOf({ nodes: [], edges: [] });
  #of: { readonly scope: Scope; readonly shape: number } | undefined;
  #rows_: readonly TreeRow[] = [];
  #rowIndex = new Map<string, number>();
  #palette: Palette | undefined;
  #resize: ResizeObserver | undefined;
  #theme: MutationObserver | undefined;
  #drag: {
    readonly x: number;
    readonly y: number;
    readonly camera: Camera;
    moved: boolean;
  } | null = null;
  #frame = 0;

  constructor() {
    super();
    this.workflow = null;
    this.unseen = new Set();
    this.selected = null;
    this.tree = false;
    this.camera = null;
    this.closed = new Set();
    this.stop = null;
    this.focusedKey = null;
    this.addEventListener('keydown', (event) => {
      this.#key(event);
    });
    this.addEventListener('focusin', (event) => {
      const row = rowOf(event.target);
      if (!row) return;
      this.stop = row.dataset['node'] ?? null;
      this.focusedKey = this.stop;
      if (this.stop !== null) this.#bringIntoView(this.stop);
    });
    this.addEventListener('focusout', () => {
      this.focusedKey = null;
    });
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize = new ResizeObserver(() => {
      this.#draw();
    });
    this.#resize.observe(this);
    // A theme that changes does so by the classes and variables of the document.
    this.#theme = new MutationObserver(() => {
      this.#palette = undefined;
      this.#draw();
    });
    const watched = { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] };
    this.#theme.observe(document.body, watched);
    this.#theme.observe(document.documentElement, watched);
    void document.fonts.load('16px codicon').then(() => {
      this.#draw();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
    this.#theme?.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  focusFirst(): boolean {
    const row = this.#rows_.find(({ kind }) => kind === 'item');
    const key = this.#rowIndex.has(this.stop ?? '')
      ? this.stop
      : row?.kind === 'item'
        ? row.key
        : null;
    return key !== null && this.focusItem(key);
  }

  focusItem(key: string): boolean {
    const wave = this.layout.placed.get(key)?.wave;
    if (wave === undefined) return false;
    if (this.closed.has(wave)) this.closed = new Set([...this.closed].filter((it) => it !== wave));
    this.stop = key;
    void this.updateComplete.then(async () => {
      const index = this.#rowIndex.get(key);
      const rows = this.querySelector<Rows>('wl-rows');
      if (index === undefined || !rows) return;
      rows.reveal(index);
      await this.updateComplete;
      await rows.updateComplete;
      this.querySelector<HTMLElement>(`[data-node="${CSS.escape(key)}"]`)?.focus({
        preventScroll: true,
      });
    });
    return true;
  }

  /* ---------------------------------------------------------------- what there is */

  protected override willUpdate(changed: PropertyValues<this>): void {
    const { scope } = this.around;
    if (this.#of?.scope !== scope || this.#of.shape !== scope.shape) {
      const same = this.#of?.scope === scope;
      this.#of = { scope, shape: scope.shape };
      this.layout = layoutOf(shapeOf(this.around), same ? this.layout : undefined);
      this.#makeRows();
    } else if (changed.has('closed')) this.#makeRows();
    const focused = rowOf(document.activeElement);
    this.#hadFocus = focused !== null && this.contains(focused);
  }
  #hadFocus = false;

  protected override updated(): void {
    this.#draw();
    if (!this.#hadFocus) return;
    void this.querySelector<Rows>('wl-rows')?.updateComplete.then(() => {
      if (document.activeElement === document.body) this.focusFirst();
    });
  }

  #makeRows(): void {
    const rows: TreeRow[] = [];
    this.#rowIndex = new Map();
    for (const band of this.layout.bands) {
      const keys = this.layout.ranks
        .filter(({ wave }) => wave === band.wave)
        .flatMap((rank) => rank.keys);
      rows.push({ kind: 'wave', wave: band.wave, count: keys.length });
      if (this.closed.has(band.wave)) continue;
      for (const key of keys) {
        this.#rowIndex.set(key, rows.length);
        rows.push({ kind: 'item', key, wave: band.wave });
      }
    }
    this.#rows_ = rows;
  }

  /* ---------------------------------------------------------------- the canvas */

  get #canvas(): HTMLCanvasElement | null {
    return this.querySelector('canvas');
  }

  /** As large as it goes, but no larger than it is. */
  #fit(): Camera {
    const canvas = this.#canvas;
    const [width, height] = [canvas?.clientWidth ?? 1, canvas?.clientHeight ?? 1];
    const zoom = Math.max(
      zooms.least,
      Math.min(1, (width - 32) / this.layout.width, (height - 24) / this.layout.height),
    );
    return {
      zoom,
      x: -Math.max(16 / zoom, (width / zoom - this.layout.width) / 2),
      y: -8 / zoom,
    };
  }

  get #view(): Camera {
    return this.camera ?? this.#fit();
  }

  #show(camera: Camera | null): void {
    this.camera = camera;
    this.dispatchEvent(
      new CustomEvent<Camera | null>('wl-camera', { bubbles: true, detail: camera }),
    );
  }

  zoomBy(by: number, at?: { readonly x: number; readonly y: number }): void {
    const canvas = this.#canvas;
    if (!canvas) return;
    const { x, y, zoom } = this.#view;
    const next = Math.max(zooms.least, Math.min(zooms.most, zoom * by));
    const point = at ?? { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 };
    this.#show({
      zoom: next,
      x: x + point.x / zoom - point.x / next,
      y: y + point.y / zoom - point.y / next,
    });
  }

  fit(): void {
    this.#show(null);
  }

  #bringIntoView(key: string): void {
    const placed = this.layout.placed.get(key);
    const canvas = this.#canvas;
    if (!placed || !canvas) return;
    const view = this.#view;
    const zoom = Math.max(view.zoom, 0.6);
    const [width, height] = [canvas.clientWidth / zoom, canvas.clientHeight / zoom];
    const inside = (from: number, size: number, at: number, own: number) =>
      at >= from + 12 && at + own <= from + size - 12;
    if (
      zoom === view.zoom &&
      inside(view.x, width, placed.x, nodeWidth) &&
      inside(view.y, height, placed.y, nodeHeight)
    )
      return;
    this.#show({
      zoom,
      x: placed.x + nodeWidth / 2 - width / 2,
      y: Math.max(-8 / zoom, placed.y + nodeHeight / 2 - height / 2),
    });
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const canvas = this.#canvas;
    const context = canvas?.getContext('2d', { alpha: false });
    if (!canvas || !context || canvas.clientWidth === 0) return;
    const ratio = window.devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    this.#palette ??= paletteOf(canvas);
    const { scope } = this.around;
    const titles = new Map(this.workflow?.waves.map((wave) => [wave.number, wave.title]));
    const related = this.#related();
    drawGraph(
      context,
      {
        layout: this.layout,
        camera: this.#view,
        width,
        height,
        ratio,
        look: (key) => this.#lookOf(key),
        bandTitle: (wave) => {
          const count = scope.waves.get(wave)?.count;
          const title = titles.get(wave);
          return {
            name: title ? `${waveName(wave)} ${title}` : waveName(wave),
            share: `${number(count?.completed ?? 0)}/${number(count?.all ?? 0)}`,
            current:
              this.workflow !== null && !this.workflow.completed && wave === this.workflow.wave,
          };
        },
        selected: this.selected,
        focused: this.focusedKey,
        ...related,
      },
      this.#palette,
    );
  }

  #lookOf(key: string): NodeLook | undefined {
    const item = this.around.scope.items.get(key);
    if (!item) return undefined;
    return {
      id: item.task?.id ?? item.run?.task ?? '',
      title: titleOf(item),
      word: item.stale ? bucketWord(item.bucket) : itemWord(item),
      agent: agentOf(item),
      bucket: item.bucket,
      quiet: this.unseen.has(stateOfBucket(item.bucket)) || !this.shown.items.has(key),
    };
  }

  /** All that the selected one needs, and all that it holds up, over any number of steps. */
  #related(): { readonly needs: ReadonlySet<string>; readonly feeds: ReadonlySet<string> } {
    const needs = new Set<string>();
    const feeds = new Set<string>();
    if (this.selected === null || !this.layout.placed.has(this.selected)) return { needs, feeds };
    const known = this.#steps();
    const walk = (next: ReadonlyMap<string, readonly string[]>, found: Set<string>) => {
      const queue = [...(next.get(this.selected ?? '') ?? [])];
      for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
        if (found.has(key) || key === this.selected) continue;
        found.add(key);
        queue.push(...(next.get(key) ?? []));
      }
    };
    walk(known.back, needs);
    walk(known.on, feeds);
    return { needs, feeds };
  }

  #stepsOf: GraphLayout | undefined;
  #known: { readonly back: Map<string, string[]>; readonly on: Map<string, string[]> } | undefined;
  #steps(): { readonly back: Map<string, string[]>; readonly on: Map<string, string[]> } {
    if (this.#known && this.#stepsOf === this.layout) return this.#known;
    const back = new Map<string, string[]>();
    const on = new Map<string, string[]>();
    for (const [from, to] of this.layout.edges) {
      back.set(to, [...(back.get(to) ?? []), from]);
      on.set(from, [...(on.get(from) ?? []), to]);
    }
    this.#stepsOf = this.layout;
    this.#known = { back, on };
    return this.#known;
  }

  readonly #wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const view = this.#view;
    if (event.ctrlKey || event.metaKey) {
      const rect = this.#canvas?.getBoundingClientRect();
      if (!rect) return;
      this.zoomBy(event.deltaY > 0 ? 1 / 1.12 : 1.12, {
        x: event.clientX - rect.left,
        y: event.clientY - rect.top,
      });
      return;
    }
    const [dx, dy] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
    this.#show({ ...view, x: view.x + dx / view.zoom, y: view.y + dy / view.zoom });
  };
  readonly #grab = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.#canvas?.setPointerCapture(event.pointerId);
    this.#drag = { x: event.clientX, y: event.clientY, camera: this.#view, moved: false };
  };
  readonly #move = (event: PointerEvent): void => {
    const drag = this.#drag;
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    drag.moved = true;
    const { camera } = drag;
    this.#show({ ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom });
  };
  readonly #letGo = (event: PointerEvent): void => {
    const drag = this.#drag;
    this.#drag = null;
    const rect = this.#canvas?.getBoundingClientRect();
    if (!drag || drag.moved || !rect) return;
    const { x, y, zoom } = this.#view;
    const key = nodeAt(
      this.layout,
      x + (event.clientX - rect.left) / zoom,
      y + (event.clientY - rect.top) / zoom,
    );
    if (key === undefined) return;
    this.stop = key;
    this.dispatchEvent(new SelectEvent(key));
  };

  /* ---------------------------------------------------------------- the treegrid */

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = rowOf(event.target);
    if (!row) return;
    const key = row.dataset['node'];
    const wave = Number(row.dataset['wave']);
    const index =
      key === undefined
        ? this.#rows_.findIndex((it) => it.kind === 'wave' && it.wave === wave)
        : (this.#rowIndex.get(key) ?? -1);
    const acts: Readonly<Record<string, () => unknown>> = {
      ArrowDown: () => {
        this.#focusRow(index + 1);
      },
      ArrowUp: () => {
        this.#focusRow(index - 1);
      },
      PageDown: () => {
        this.#focusRow(Math.min(this.#rows_.length - 1, index + 12));
      },
      PageUp: () => {
        this.#focusRow(Math.max(0, index - 12));
      },
      Home: () => {
        this.#focusRow(0);
      },
      End: () => {
        this.#focusRow(this.#rows_.length - 1);
      },
      ArrowLeft: () => {
        if (key !== undefined)
          this.#focusRow(this.#rows_.findIndex((it) => it.kind === 'wave' && it.wave === wave));
        else this.closed = new Set([...this.closed, wave]);
      },
      ArrowRight: () => {
        if (key !== undefined) return;
        if (this.closed.has(wave))
          this.closed = new Set([...this.closed].filter((it) => it !== wave));
        else this.#focusRow(index + 1);
      },
      Enter: () => {
        if (key !== undefined) this.dispatchEvent(new SelectEvent(key));
      },
      '+': () => {
        this.zoomBy(zooms.step);
      },
      '-': () => {
        this.zoomBy(1 / zooms.step);
      },
      '0': () => {
        this.fit();
      },
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #focusRow(index: number): void {
    const row = this.#rows_[index];
    if (!row) return;
    if (row.kind === 'item') {
      this.focusItem(row.key);
      return;
    }
    const rows = this.querySelector<Rows>('wl-rows');
    rows?.reveal(index);
    this.#waveStop = row.wave;
    this.requestUpdate();
    void this.updateComplete.then(async () => {
      await rows?.updateComplete;
      this.querySelector<HTMLElement>(`[data-wave="${row.wave}"]:not([data-node])`)?.focus({
        preventScroll: true,
      });
    });
  }
  #waveStop: number | null = null;

  protected override render(): TemplateResult {
    if (this.around.scope.items.size === 0) {
      return blank(
        'type-hierarchy',
        l10n.t('Nothing to draw yet'),
        l10n.t('Tasks and runs stand here by wave, with what they need and what they hold up.'),
      );
    }
    const view = this.#canvas ? this.#view.zoom : 1;
    const chosen = this.selected === null ? undefined : this.around.scope.items.get(this.selected);
    const related = chosen ? this.#related() : null;
    return html`<div class="gview ${this.tree ? 'with-tree' : ''}">
      <canvas
        aria-hidden="true"
        @wheel=${this.#wheel}
        @pointerdown=${this.#grab}
        @pointermove=${this.#move}
        @pointerup=${this.#letGo}
      ></canvas>
      ${this.#tree()}
      ${
        chosen && related
          ? html`<div class="glegend">
              <b class="num ell">${chosen.task?.id ?? titleOf(chosen)}</b>
              <span class="dim"><i class="gl"></i>${l10n.t('needs {0}', related.needs.size)}</span>
              <span class="dim"
                ><i class="gl dash"></i>${l10n.t('feeds {0}', related.feeds.size)}</span
              >
            </div>`
          : nothing
      }
      <div class="gtools" role="group" aria-label=${l10n.t('Graph')}>
        ${iconButton({
          icon: 'zoom-out',
          label: l10n.t('Zoom out'),
          act: () => {
            this.zoomBy(1 / zooms.step);
          },
        })}
        <span class="zoom num">${Math.round(view * 100)}%</span>
        ${iconButton({
          icon: 'zoom-in',
          label: l10n.t('Zoom in'),
          act: () => {
            this.zoomBy(zooms.step);
          },
        })}
        <i class="sep"></i>
        ${iconButton({
          icon: 'screen-full',
          label: l10n.t('Fit all'),
          act: () => {
            this.fit();
          },
        })}
        ${iconButton({
          icon: 'list-tree',
          label: l10n.t('Show as a list'),
          pressed: this.tree,
          act: () => this.dispatchEvent(new CustomEvent('wl-tree', { bubbles: true })),
        })}
      </div>
    </div>`;
  }

  #tree(): TemplateResult {
    const stop = this.#rowIndex.has(this.stop ?? '')
      ? (this.#rowIndex.get(this.stop ?? '') ?? 0)
      : this.#rows_.findIndex(({ kind }) => kind === 'item');
    const waveRow = this.#rows_.findIndex(
      (row) => row.kind === 'wave' && row.wave === this.#waveStop,
    );
    const source: RowSource = {
      count: this.#rows_.length,
      size: rowHeight,
      pinned: [stop, waveRow],
      keyOf: (index) => {
        const row = this.#rows_[index];
        return row ? (row.kind === 'wave' ? `wave ${row.wave}` : row.key) : String(index);
      },
      draw: (index, style) => {
        const row = this.#rows_[index];
        if (!row) return html``;
        return row.kind === 'wave'
          ? this.#waveRow(row, index, style)
          : this.#itemRow(row.key, row.wave, index, style, index === stop);
      },
    };
    return html`<wl-rows
      class="gtree ${this.tree ? '' : 'unseen'}"
      role="treegrid"
      aria-label=${l10n.t('Tasks by wave, with what they need')}
      aria-rowcount=${source.count}
      .source=${source}
    ></wl-rows>`;
  }

  #waveRow(row: TreeRow & { readonly kind: 'wave' }, index: number, style: string): TemplateResult {
    return html`<div
      class="vrow gwave"
      role="row"
      aria-level="1"
      aria-expanded=${String(!this.closed.has(row.wave))}
      aria-rowindex=${index + 1}
      tabindex="-1"
      data-wave=${row.wave}
      .style=${style}
    >
      <span role="gridcell" class="cell"
        >${glyph(this.closed.has(row.wave) ? 'chevron-right' : 'chevron-down')}<b
          >${waveName(row.wave)}</b
        ><span class="num dim">${number(row.count)}</span></span
      >
    </div>`;
  }

  #itemRow(
    key: string,
    wave: number,
    index: number,
    style: string,
    isStop: boolean,
  ): TemplateResult {
    const item = this.around.scope.items.get(key);
    if (!item) return html``;
    const chosen = this.selected === key;
    const needed = needsOf(item, this.around)
      .map(({ name }) => name)
      .join(', ');
    return html`<div
      class="vrow gitem ${chosen ? 'sel' : ''}"
      role="row"
      aria-level="2"
      aria-rowindex=${index + 1}
      aria-selected=${String(chosen)}
      tabindex=${isStop ? 0 : -1}
      data-node=${key}
      data-wave=${wave}
      .style=${style}
      @click=${() => {
        this.stop = key;
        this.#bringIntoView(key);
        this.dispatchEvent(new SelectEvent(key));
      }}
    >
      <span role="gridcell" class="cell"
        >${stateGlyph(item.bucket)}<span class="id num ell">${item.task?.id ?? ''}</span
        ><span class="ell" title=${titleOf(item)}>${titleOf(item)}</span></span
      ><span role="gridcell" class="word dim">${itemWord(item)}</span
      ><span role="gridcell" class="sr"
        >${needed === '' ? l10n.t('needs nothing') : l10n.t('needs {0}', needed)}</span
      >
    </div>`;
  }
}

function shapeOf({ model, scope }: Around): GraphShape {
  const runs = model.rows.get(scope.store)?.runs;
  const edges: [string, string][] = [];
  const items = [...scope.items.values()].sort((one, other) => one.order - other.order);
  for (const { key, task, run } of items) {
    const needs = new Set(task?.needs ?? []);
    for (const id of run?.needs ?? []) {
      const needed = runs?.get(id);
      if (needed) needs.add(keyOfRun(scope, needed));
    }
    for (const need of needs) edges.push([need, key]);
  }
  return { nodes: items.map(({ key, wave }) => ({ key, wave })), edges };
}

const rowOf = (node: unknown): HTMLElement | null =>
  node instanceof HTMLElement ? node.closest<HTMLElement>('.gitem, .gwave') : null;
