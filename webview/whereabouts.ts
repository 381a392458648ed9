/**
 * Where a person is in the panel: what has the focus, how far lists are scrolled, what the drawings show. It is
 * remembered once it stands still, and brought back when a tab is opened again.
 */
import type { LitElement } from 'lit';
import type { Board } from './board';
import type { Drawer } from './drawer';
import type { Events } from './events';
import type { Graph } from './graph/graph';
import type { Locks } from './locks';
import type { Memory } from './memory';
import type { Timeline } from './timeline/timeline';

export type View = Board | Graph | Timeline | Locks | Events;

export interface Remembers {
  readonly memory: Memory;
  keep(kept: Partial<Memory>): void;
  /** What the graph or the timeline calls an item. */
  idOf(key: string): string | null;
}

const viewPause = 150;
const regions = '.head, .tabrow, .chips, #view, .drawer';

export class Whereabouts {
  #restored = '';
  #viewTimer: ReturnType<typeof setTimeout> | undefined;
  /** The graph or timeline that has been told where a person was. */
  #viewed: Element | null = null;

  constructor(
    private readonly panel: LitElement,
    private readonly held: Remembers,
  ) {
    panel.addEventListener('wl-view', () => {
      this.#rememberView();
    });
    panel.addEventListener(
      'scrollend',
      ({ target }) => {
        if (target instanceof HTMLElement && target.localName === 'wl-rows')
          this.#rememberList(target);
      },
      true,
    );
  }

  stop(): void {
    clearTimeout(this.#viewTimer);
  }

  get view(): View | null {
    return this.panel.querySelector(
      '#view > :is(wl-board, wl-graph, wl-timeline, wl-locks, wl-events)',
    );
  }

  /** What an item or a row of the view, in which the focus is, says that it stands for. */
  get focused(): { readonly key: string | undefined; readonly row: string | undefined } {
    const at = document.activeElement?.closest<HTMLElement>('[data-key], [data-row]');
    return { key: at?.dataset['key'], row: at?.dataset['row'] };
  }

  /* ---------------------------------------------------------------- to move the focus */

  focus(selector: string): void {
    this.#find(selector)?.focus();
  }

  /** What can have the focus in the view, or the view itself. */
  focusView(): void {
    if (!this.#focusInView()) this.focus('#view');
  }

  focusItem(key: string): boolean {
    const { view } = this;
    if (!view) return false;
    if ('focusRun' in view) {
      const id = this.held.idOf(key);
      if (id === null || !view.runs.some((run) => run.id === id)) return false;
      void view.focusRun(id);
      return true;
    }
    return 'focusItem' in view ? view.focusItem(key) : false;
  }

  focusDetails(): void {
    void this.panel.updateComplete.then(() => {
      this.panel.querySelector<Drawer>('wl-drawer')?.focusTitle();
    });
  }

  focusItemOrView(key: string): void {
    void this.panel.updateComplete.then(() => {
      if (!this.focusItem(key)) this.focusView();
    });
  }

  /** In the tab that has just been opened. */
  arrive(key: string | undefined): void {
    void this.panel.updateComplete.then(async () => {
      await this.view?.updateComplete;
      // Whoever is in the palette by now is not called back.
      if (!document.hasFocus()) return;
      if (key === undefined || !this.focusItem(key)) this.focusView();
    });
  }

  nextRegion(back: boolean): void {
    const found = [
      '.head :is(select, button)',
      '[role=tab][aria-selected=true]',
      '.chips button',
      '#view',
      '.drawer h2',
    ].flatMap((selector) => this.#find(selector) ?? []);
    const at = found.findIndex((element) =>
      (element.closest(regions) ?? element).contains(document.activeElement),
    );
    const next = found[(at + (back ? -1 : 1) + found.length) % found.length];
    if (next?.id === 'view') this.focusView();
    else next?.focus();
  }

  #focusInView(): boolean {
    const { view } = this;
    if (view && 'focusFirst' in view) return view.focusFirst();
    const row = view?.querySelector<HTMLElement>('[data-row][tabindex="0"]');
    row?.focus();
    return row !== undefined && row !== null;
  }

  /* ---------------------------------------------------------------- to remember and to bring back */

  #rememberList(list: HTMLElement): void {
    const name = this.#nameOf(list);
    const { scroll } = this.held.memory;
    if ((scroll[name] ?? 0) !== list.scrollTop)
      this.held.keep({ scroll: { ...scroll, [name]: list.scrollTop } });
  }

  /** Once it stands still: a pan is a view for each frame. */
  #rememberView(): void {
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => {
      const { view } = this;
      if (!view || !('view' in view)) return;
      if ('camera' in view.view) this.held.keep({ camera: view.view.camera, tree: view.view.tree });
      else this.held.keep({ timeline: view.view });
    }, viewPause);
  }

  restoreView(): void {
    const { camera, tree, timeline } = this.held.memory;
    const { view } = this;
    if (!view || !('view' in view) || this.#viewed === view) return;
    this.#viewed = view;
    if (view.localName === 'wl-graph') (view as Graph).view = { camera, tree };
    else (view as Timeline).view = timeline;
  }

  /** Once for each tab of a workflow that is opened: lists come back to where they were. */
  restoreLists(scope: string | undefined): void {
    const opened = `${this.held.memory.tab} ${scope}`;
    if (this.#restored === opened) return;
    this.#restored = opened;
    void this.view?.updateComplete.then(async () => {
      for (const column of this.panel.querySelectorAll<LitElement>('wl-column'))
        await column.updateComplete;
      for (const list of this.panel.querySelectorAll<HTMLElement & { restore(top: number): void }>(
        'wl-rows',
      )) {
        const top = this.held.memory.scroll[this.#nameOf(list)] ?? 0;
        if (top > 0) list.restore(top);
      }
    });
  }

  #nameOf(list: Element): string {
    return `${this.held.memory.tab} ${list.getAttribute('aria-label') ?? ''}`;
  }

  #find(selector: string): HTMLElement | null {
    return this.panel.querySelector(selector);
  }
}
