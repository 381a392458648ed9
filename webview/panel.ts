/**
 * The run-state panel: the head, the tabs, what is looked at, and the details of one item. It holds no truth of its
 * own; every picture is drawn from the model that the host keeps up to date. Long because it is where all keys, all
 * requests and all that is remembered come together; what is drawn is in the modules of the tabs.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { keyed } from 'lit/directives/keyed.js';
import {
  eventPage,
  runDetails,
  type ExportFormat,
  type PanelStore,
  type PanelWorkflow,
  type RunDetails,
} from '../src/shared/protocol';
import { mayAdvance, type Advance, type Asked } from './advance';
import { cardLimit, type Board, type FoldEvent } from './board';
import { describeControl } from './controls';
import type { Drawer } from './drawer';
import type { Events } from './events';
import { Sieve, type Filter } from './filter';
import { zoomStep } from './graph/camera';
import { Drawings } from './drawings';
import type { Graph } from './graph/graph';
import { RunOpenEvent, RunSelectEvent } from './graph/runs';
import { banners, head, problems } from './header';
import { l10n } from './l10n';
import type { Reply } from './link';
import { lockCounts, type Locks } from './locks';
import { lockLines } from './lockView';
import { filterOf, noMemory, tabs, type Memory } from './memory';
import type { Menu } from './menu';
import { keyOfRun, outsideKey, type Model, type Moved } from './model';
import {
  glyph,
  iconButton,
  nothingMatches,
  DoEvent,
  SayEvent,
  SelectEvent,
  type Wish,
} from './parts';
import { emptyPage, skeleton, strangers } from './pages';
import type { Around } from './say';
import type { Scope } from './scope';
import { itemsOf, stateOfBucket, titleOf, type Item } from './scope';
import { itemStates, looks } from './states';
import type { Timeline } from './timeline/timeline';
import { allShown, chips, tabRow, type ToolbarParts } from './toolbar';

/** The other end, as far as the panel is concerned. */
export interface PanelHost {
  request(wish: Wish): Promise<Reply>;
  load(): Memory;
  save(memory: Memory): void;
}

/** Waiting shorter than this is not shown: a flash of placeholders reads as a fault. */
const skeletonDelayMs = 150;
const tickMs = 1_000;
const viewPause = 150;

export class Panel extends LitElement {
  static override properties = {
    host: { attribute: false },
    model: { attribute: false },
    version: { attribute: false },
    failed: { attribute: false },
    slow: { state: true },
    said: { state: true },
    asked: { state: true },
    memory: { state: true },
    details: { state: true },
    helping: { state: true },
    told: { state: true },
  };
  declare host: PanelHost | null;
  declare model: Model | null;
  /** Another number for each change of the model. */
  declare version: number;
  /** Host and panel do not understand one another. */
  declare failed: boolean;
  declare slow: boolean;
  declare said: string;
  declare asked: ReadonlyMap<string, Asked>;
  declare memory: Memory;
  declare details: { readonly of: string; readonly data: RunDetails } | null;
  declare helping: boolean;
  /** The last refusal or fault of something that was asked for here. */
  declare told: string | null;

  #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #sieve = new Sieve();
  #filter: Filter | undefined;
  #filterOf: Memory | undefined;
  #detailsAsked = '';
  #restored = '';
  readonly #drawings = new Drawings();
  /** The attempt that was chosen on the timeline. */
  #chosen: string | null = null;
  #viewTimer: ReturnType<typeof setTimeout> | undefined;
  /** The graph or timeline that has been told where a person was. */
  #viewed: Element | null = null;

  constructor() {
    super();
    this.host = null;
    this.model = null;
    this.version = 0;
    this.failed = false;
    this.slow = false;
    this.said = '';
    this.asked = new Map();
    this.memory = noMemory;
    this.details = null;
    this.helping = false;
    this.told = null;
    this.addEventListener('wl-do', (event) => {
      if (event instanceof DoEvent) void this.#do(event.wish);
    });
    this.addEventListener('wl-select', (event) => {
      if (event instanceof RunSelectEvent) this.#choose(event.run);
      else if (event instanceof SelectEvent) this.#select(event.key);
    });
    this.addEventListener('wl-open', (event) => {
      const key = event instanceof RunOpenEvent ? this.#keyOf(event.run) : undefined;
      if (key !== undefined) this.#select(key);
    });
    this.addEventListener('wl-view', () => {
      this.#rememberView();
    });
    this.addEventListener('wl-say', (event) => {
      if (event instanceof SayEvent) this.said = event.text;
    });
    this.addEventListener('wl-showall', () => {
      this.#keep(allShown);
    });
    this.addEventListener('wl-scope', (event) => {
      this.#keep({ scope: (event as CustomEvent<string>).detail });
    });
    // Where a list is scrolled to is remembered once it stands still.
    this.addEventListener(
      'scrollend',
      (event) => {
        this.#rememberScroll(event);
      },
      true,
    );
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timers.push(setTimeout(() => (this.slow = true), skeletonDelayMs));
    this.#timers.push(
      setInterval(() => {
        this.#tick();
      }, tickMs),
    );
    document.addEventListener('keydown', this.#key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    clearTimeout(this.#viewTimer);
    document.removeEventListener('keydown', this.#key);
  }

  /** The model was carried forward, or is another. */
  follow(model: Model, moved: readonly Moved[]): void {
    this.#sayAdvance(this.model, model);
    this.model = model;
    this.version += 1;
    const [only] = moved;
    if (moved.length === 1 && only && only.key === this.memory.selected) {
      this.said = l10n.t('{0}: {1}', nameOf(only.now), looks[only.now.bucket].group);
    }
  }

  #waves = new Map<string, number>();
  #sayAdvance(_before: Model | null, model: Model): void {
    for (const [key, { wave, waveCount, name, completed }] of model.workflows) {
      const place = completed ? waveCount + 1 : wave;
      const before = this.#waves.get(key);
      this.#waves.set(key, place);
      if (before === undefined || before === place) continue;
      this.#forget(key);
      this.said = completed
        ? l10n.t('{0} is completed', name)
        : l10n.t('{0} advanced to wave {1} of {2}', name, wave, waveCount);
    }
  }

  /** What the host's clock says now. */
  readonly #clock = (): number => Date.now() + (this.model?.offset ?? 0);

  #tick(): void {
    if (!this.model || document.hidden) return;
    this.model.tick(this.#clock());
    this.version += 1;
  }

  /* ---------------------------------------------------------------- what is looked at */

  get #scope(): Scope | undefined {
    const { model, memory } = this;
    if (!model) return undefined;
    return model.scopes.get(memory.scope ?? '') ?? this.#scopes[0];
  }

  /** Workflows in the order of their folders, then the runs that belong to none. */
  get #scopes(): Scope[] {
    const { model } = this;
    if (!model) return [];
    const outside = [...model.stores.keys()].flatMap((store) => {
      const scope = model.scopes.get(outsideKey(store));
      return scope && scope.items.size > 0 ? [scope] : [];
    });
    return [
      ...[...model.workflows.keys()].flatMap((key) => model.scopes.get(key) ?? []),
      ...outside,
    ];
  }

  get #workflow(): PanelWorkflow | null {
    return this.model?.workflows.get(this.#scope?.key ?? '') ?? null;
  }

  get #store(): PanelStore | undefined {
    return this.model?.stores.get(this.#scope?.store ?? '');
  }

  get #around(): Around | undefined {
    const { model } = this;
    const scope = this.#scope;
    return model && scope ? { model, scope, now: model.now } : undefined;
  }

  /** The same object as long as it is the same filter, so that what it leaves can be kept. */
  get #filterNow(): Filter {
    const { memory } = this;
    const before = this.#filterOf;
    if (
      !this.#filter ||
      before?.hidden !== memory.hidden ||
      before.waves !== memory.waves ||
      before.agents !== memory.agents ||
      before.text !== memory.text
    ) {
      this.#filter = filterOf(memory);
    }
    this.#filterOf = memory;
    return this.#filter;
  }

  get #selected(): Item | undefined {
    const { selected } = this.memory;
    return selected === null ? undefined : this.#scope?.items.get(selected);
  }

  #keep(kept: Partial<Memory>): void {
    this.memory = { ...this.memory, ...kept };
    this.host?.save(this.memory);
  }

  #rememberScroll(event: Event): void {
    const list = event.target;
    if (!(list instanceof HTMLElement) || list.localName !== 'wl-rows') return;
    const name = this.#nameOfList(list);
    const { scroll } = this.memory;
    if ((scroll[name] ?? 0) !== list.scrollTop)
      this.#keep({ scroll: { ...scroll, [name]: list.scrollTop } });
  }

  /** Once it stands still: a pan is a view for each frame. */
  #rememberView(): void {
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => {
      const view = this.#view;
      if (!view || !('view' in view)) return;
      if ('camera' in view.view) this.#keep({ camera: view.view.camera, tree: view.view.tree });
      else this.#keep({ timeline: view.view });
    }, viewPause);
  }

  #restoreView(): void {
    const { camera, tree, timeline } = this.memory;
    const view = this.#view;
    if (!view || !('view' in view) || this.#viewed === view) return;
    this.#viewed = view;
    if (view.localName === 'wl-graph') (view as Graph).view = { camera, tree };
    else (view as Timeline).view = timeline;
  }

  #nameOfList(list: Element): string {
    return `${this.memory.tab} ${list.getAttribute('aria-label') ?? ''}`;
  }

  /* ---------------------------------------------------------------- what is asked for */

  async #do(wish: Wish): Promise<Reply | undefined> {
    const reply = await this.host?.request(wish);
    if (!reply) return undefined;
    if (!reply.ok) {
      this.told = reply.message ?? l10n.t('It was not done.');
      this.said = this.told;
    } else if (wish.type === 'copy') this.said = l10n.t('Copied');
    else this.told = null;
    return reply;
  }

  #forget(key: string): void {
    const asked = new Map(this.asked);
    asked.delete(key);
    this.asked = asked;
  }

  async #advance(): Promise<void> {
    const workflow = this.#workflow;
    if (!workflow || !this.host) return;
    const { off, reason } = this.#mayAdvance(workflow);
    if (off) {
      this.said = reason;
      return;
    }
    const { key, wave } = workflow;
    this.asked = new Map(this.asked).set(key, { state: 'pending' });
    const reply = await this.host.request({ type: 'advance', workflow: key, seen: wave });
    if (reply.ok) {
      // A change that shows the new wave usually came first and has cleared this already.
      if (this.asked.get(key)?.state === 'pending') this.#forget(key);
      return;
    }
    const why = reply.message ?? l10n.t('The wave was not advanced');
    this.asked = new Map(this.asked).set(key, { state: 'refused', why });
    this.said = why;
  }

  #mayAdvance(workflow: PanelWorkflow): Advance {
    const count = this.#scope?.waves.get(workflow.wave)?.count;
    return mayAdvance(workflow, this.#store, count, this.asked.get(workflow.key));
  }

  #showBlockers(): void {
    const workflow = this.#workflow;
    if (!workflow || !this.model) return;
    const others = [...(this.#scope?.waves.keys() ?? [])].filter((wave) => wave !== workflow.wave);
    this.#keep({
      ...allShown,
      tab: 'board',
      hidden: ['completed'],
      waves: others,
    });
  }

  #export(format: ExportFormat): void {
    const around = this.#around;
    if (!around) return;
    const { scope, model } = around;
    const filter = this.#filterNow;
    const shown = this.#sieve.shown(scope, filter);
    const items = [...shown.items.values()].filter(
      (item) => !filter.hidden.has(stateOfBucket(item.bucket)),
    );
    this.querySelector<Menu>('.m-export')?.close();
    void this.#do({
      type: 'export',
      format,
      store: scope.store,
      workflow: model.workflows.has(scope.key) ? scope.key : null,
      tasks: items.flatMap(({ task }) => (task ? [task.id] : [])),
      runs: items.flatMap(({ key }) => model.attemptsOf(scope, key).map(({ id }) => id)),
    });
  }

  readonly #older = async (store: string, before: number): Promise<boolean> => {
    const reply = await this.host?.request({ type: 'events', store, before, limit: 500 });
    const page = eventPage.safeParse(reply?.data);
    if (!reply?.ok || !page.success || !this.model) return false;
    this.model.addOlderEvents(store, page.data.events, page.data.from);
    this.version += 1;
    return true;
  };

  #select(key: string): void {
    this.#keep({ selected: key });
    void this.updateComplete.then(() => {
      this.querySelector<Drawer>('wl-drawer')?.focusTitle();
    });
  }

  /** Chosen in the graph or on the timeline: its details are seen, and the keyboard stays where it is. */
  #choose(id: string | null): void {
    const key = id === null ? undefined : this.#keyOf(id);
    this.#chosen = key === undefined ? null : id;
    this.#keep({ selected: key ?? null });
  }

  /** The item that a node of the graph or a row of the timeline stands for. */
  #keyOf(id: string): string | undefined {
    const scope = this.#scope;
    if (!scope) return undefined;
    if (this.memory.tab === 'graph') return scope.items.has(id) ? id : undefined;
    const run = this.model?.rows.get(scope.store)?.runs.get(id);
    return run && keyOfRun(scope, run);
  }

  /** What the graph or the timeline calls an item: the attempt that was chosen, else the newest. */
  #idOf(key: string | null): string | null {
    if (key === null || this.memory.tab === 'graph') return key;
    if (this.#chosen !== null && this.#keyOf(this.#chosen) === key) return this.#chosen;
    return this.#scope?.items.get(key)?.run?.id ?? null;
  }

  #closeDetails(): void {
    const key = this.memory.selected;
    this.#keep({ selected: null });
    if (key === null) return;
    void this.updateComplete.then(() => {
      if (!this.#focusItem(key)) this.#focusView();
    });
  }

  /** Asked for again whenever the run is another or has moved. */
  async #fetchDetails(): Promise<void> {
    const run = this.#selected?.run;
    const store = this.#scope?.store;
    if (!run || store === undefined || !this.host) {
      this.#detailsAsked = '';
      return;
    }
    const asked = `${run.id} ${run.status} ${run.leaseUntil} ${run.stop}`;
    if (this.#detailsAsked === asked) return;
    this.#detailsAsked = asked;
    const reply = await this.host.request({ type: 'details', store, run: run.id });
    const data = runDetails.safeParse(reply.data);
    if (reply.ok && data.success) this.details = { of: run.id, data: data.data };
  }

  /* ---------------------------------------------------------------- focus and keys */

  get #view(): (Board | Graph | Timeline | Locks | Events) | null {
    return this.querySelector('#view > :is(wl-board, wl-graph, wl-timeline, wl-locks, wl-events)');
  }

  #focusView(): boolean {
    const view = this.#view;
    if (view && 'focusFirst' in view) return view.focusFirst();
    const row = view?.querySelector<HTMLElement>('[data-row][tabindex="0"]');
    row?.focus();
    return row !== undefined && row !== null;
  }

  #focusItem(key: string): boolean {
    const view = this.#view;
    if (!view) return false;
    if ('focusRun' in view) {
      const id = this.#idOf(key);
      if (id === null || !view.runs.some((run) => run.id === id)) return false;
      void view.focusRun(id);
      return true;
    }
    return 'focusItem' in view ? view.focusItem(key) : false;
  }

  #goTo(tab: Memory['tab'], key: string | undefined): void {
    this.#keep({ tab });
    void this.updateComplete.then(async () => {
      await this.#view?.updateComplete;
      // Whoever is in the palette by now is not called back.
      if (!document.hasFocus()) return;
      if (key !== undefined && this.#focusItem(key)) return;
      if (!this.#focusView()) this.querySelector<HTMLElement>('#view')?.focus();
    });
  }

  /** The item that keys are about: the one with the focus, else the one whose details are seen. */
  get #current(): Item | undefined {
    const element = document.activeElement;
    const at =
      element instanceof HTMLElement
        ? element.closest<HTMLElement>('[data-key], [data-row]')
        : null;
    const row = at?.dataset['row'];
    const key = row?.startsWith('run ') ? this.#keyOf(row.slice(4)) : at?.dataset['key'];
    return key === undefined ? this.#selected : this.#scope?.items.get(key);
  }

  #nextRegion(back: boolean): void {
    const regions = [
      this.querySelector<HTMLElement>('.head :is(select, button)'),
      this.querySelector<HTMLElement>('[role=tab][aria-selected=true]'),
      this.querySelector<HTMLElement>('.chips button'),
      this.querySelector<HTMLElement>('#view'),
      this.querySelector<HTMLElement>('.drawer h2'),
    ].filter((it) => it !== null);
    const holds = (region: HTMLElement) =>
      (region.closest('.head, .tabrow, .chips, #view, .drawer') ?? region).contains(
        document.activeElement,
      );
    const at = regions.findIndex(holds);
    const next = regions[(at + (back ? -1 : 1) + regions.length) % regions.length];
    if (next?.id === 'view') {
      if (!this.#focusView()) next.focus();
    } else next?.focus();
  }

  #nextAttention(): void {
    const around = this.#around;
    if (!around) return;
    const all: Item[] = [];
    for (const wave of around.scope.waveNumbers(this.#workflow?.waves ?? []))
      for (const item of itemsOf(around.scope.waves.get(wave), this.#filterNow.hidden))
        if (looks[item.bucket].group === 'attention') all.push(item);
    if (all.length === 0) {
      this.said = l10n.t('Nothing needs attention');
      return;
    }
    const current = this.#current;
    const at = all.findIndex(({ key }) => key === current?.key);
    const next = all[(at + 1) % all.length];
    if (next && !this.#focusItem(next.key)) this.#select(next.key);
  }

  readonly #key = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    if (event.key === 'F6') {
      event.preventDefault();
      // The editor around hears every key that comes to the window, and would leave the panel.
      event.stopPropagation();
      this.#nextRegion(event.shiftKey);
      return;
    }
    const writes =
      target instanceof HTMLElement &&
      target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]');
    if (event.key === 'Escape') {
      this.#escape(target);
      return;
    }
    if (writes || this.helping || !this.model) return;
    // What a control does with the key comes first.
    if (event.key === ' ' && target instanceof HTMLElement && target.matches('button, input'))
      return;
    const act = this.#keys[event.key];
    if (!act) return;
    event.preventDefault();
    act(this.#current);
  };

  #escape(target: EventTarget | undefined): void {
    if (this.helping) return;
    if (
      target instanceof HTMLInputElement &&
      'search' in target.dataset &&
      this.memory.text !== ''
    ) {
      this.#keep({ text: '' });
      return;
    }
    if (this.memory.selected !== null) this.#closeDetails();
    else if (target instanceof HTMLInputElement) this.#focusView();
    else if (this.told !== null) this.told = null;
  }

  readonly #keys: Readonly<Record<string, (item: Item | undefined) => void>> = {
    ...Object.fromEntries(
      tabs.map((tab, index) => [
        String(index + 1),
        () => {
          this.#goTo(tab, this.memory.selected ?? undefined);
        },
      ]),
    ),
    '/': () => {
      this.querySelector<HTMLElement>('[data-search]')?.focus();
    },
    '?': () => {
      this.helping = true;
    },
    f: () => {
      this.querySelector<HTMLElement>('.chips button')?.focus();
    },
    F: () => {
      this.#keep(allShown);
    },
    d: () => {
      const wave = this.#workflow?.wave ?? 0;
      const many = (this.#scope?.waves.get(wave)?.count.all ?? 0) > cardLimit;
      this.#keep({ lines: !(this.memory.lines ?? many) });
    },
    n: () => {
      this.#nextAttention();
    },
    g: (item) => {
      this.#goTo('graph', item?.key);
    },
    m: (item) => {
      this.#goTo('timeline', item?.key);
    },
    b: (item) => {
      this.#goTo('board', item?.key);
    },
    a: () => {
      void this.#advance();
    },
    A: () => {
      const workflow = this.#workflow;
      if (workflow) this.said = this.#mayAdvance(workflow).reason;
    },
    e: () => {
      this.querySelector<Menu>('.m-export')?.show();
    },
    ' ': () => {
      if (this.memory.tab === 'events') (this.#view as Events | null)?.toggleFollow();
    },
    o: (item) => {
      const workflow = this.#workflow;
      if (item?.task && workflow)
        void this.#do({ type: 'open', workflow: workflow.key, task: item.task.id });
    },
    '.': (item) => {
      if (!item) return;
      this.#keep({ selected: item.key });
      void this.updateComplete.then(() =>
        this.querySelector<HTMLElement>('.drawer .acts button')?.focus(),
      );
    },
    c: (item) => {
      this.#copy(item, 'id');
    },
    l: (item) => {
      this.#copy(item, 'link');
    },
    y: (item) => {
      this.#copy(item, 'summary');
    },
    '+': () => {
      this.#zoom('in');
    },
    '-': () => {
      this.#zoom('out');
    },
    '0': () => {
      this.#zoom('fit');
    },
  };

  #copy(item: Item | undefined, what: 'id' | 'link' | 'summary'): void {
    const store = this.#scope?.store;
    if (item?.run && store !== undefined)
      void this.#do({ type: 'copy', store, run: item.run.id, what });
  }

  #zoom(how: 'in' | 'out' | 'fit'): void {
    const view = this.#view;
    if (!view || !('zoomBy' in view)) return;
    if (how !== 'fit') view.zoomBy(how === 'in' ? zoomStep : 1 / zoomStep);
    else if ('fit' in view) view.fit();
    else view.span = 'all';
  }

  /* ---------------------------------------------------------------- drawing */

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('host') && this.host) this.memory = this.host.load();
  }

  protected override updated(changed: PropertyValues<this>): void {
    const button = this.querySelector('.h-adv vscode-button');
    const reason = this.querySelector('.h-adv .reason');
    if (button && reason) describeControl(button, reason);
    if (changed.has('version') || changed.has('memory')) void this.#fetchDetails();
    this.#restoreView();
    this.#restoreScroll();
  }

  /** Once for each tab that is opened: lists come back to where they were. */
  #restoreScroll(): void {
    if (!this.model) return;
    const opened = `${this.memory.tab} ${this.#scope?.key}`;
    if (this.#restored === opened) return;
    this.#restored = opened;
    void this.#view?.updateComplete.then(async () => {
      for (const column of this.querySelectorAll<LitElement>('wl-column'))
        await column.updateComplete;
      for (const list of this.querySelectorAll<HTMLElement & { restore(top: number): void }>(
        'wl-rows',
      )) {
        const top = this.memory.scroll[this.#nameOfList(list)] ?? 0;
        if (top > 0) list.restore(top);
      }
    });
  }

  protected override render(): TemplateResult {
    return html`<div class="app">
      ${this.#body()}
      ${
        this.helping
          ? html`<wl-help
              @wl-helped=${() => {
                this.helping = false;
              }}
            ></wl-help>`
          : nothing
      }
      <div class="sr" role="status" data-said>${this.said}</div>
    </div>`;
  }

  #body(): TemplateResult {
    const { model } = this;
    if (this.failed) return strangers();
    const opening = model && [...model.stores.values()].some(({ state }) => state === 'opening');
    const scope = this.#scope;
    if (!model || (opening && !scope)) {
      return this.slow ? skeleton() : html`<main class="panel"></main>`;
    }
    const around = this.#around;
    if (!scope || !around) return emptyPage(model, (wish) => void this.#do(wish));
    const workflow = this.#workflow;
    const item = this.#selected;
    const parts = this.#toolbarParts(around);
    return html`<main class="panel">
      <h1 class="sr">${l10n.t('Run state')}</h1>
      ${this.#head(around, workflow)}
      ${banners(model.stores.values(), model.stores.size > 1, (wish) => void this.#do(wish))}
      ${
        this.told === null
          ? nothing
          : html`<div class="banner" role="alert">
              ${glyph('info')}
              <p>${this.told}</p>
              <span class="banner-a"
                >${iconButton({
                  icon: 'close',
                  label: l10n.t('Dismiss'),
                  act: () => {
                    this.told = null;
                    this.#focusView();
                  },
                })}</span
              >
            </div>`
      }
      ${
        workflow
          ? problems(workflow, (line) => {
              void this.#do({ type: 'open', workflow: workflow.key, line });
            })
          : nothing
      }
      ${tabRow(parts)} ${chips(parts)}
      <div class="work">
        <div
          id="view"
          class="view"
          role="tabpanel"
          tabindex="-1"
          aria-labelledby="tab-${this.memory.tab}"
        >
          ${this.#tab(around, workflow, parts.shown)}
        </div>
        ${
          item
            ? html`<wl-drawer
                .item=${item}
                .around=${around}
                .workflow=${workflow}
                .details=${this.details?.of === item.run?.id ? this.details?.data : undefined}
                .version=${this.version}
                @wl-close=${() => {
                  this.#closeDetails();
                }}
              ></wl-drawer>`
            : nothing
        }
      </div>
    </main>`;
  }

  #toolbarParts({ model, scope, now }: Around): ToolbarParts {
    const filter = this.#filterNow;
    const shown = this.#sieve.shown(scope, filter);
    const rows = model.rows.get(scope.store);
    const { tab } = this.memory;
    const lines = tab === 'locks' && rows ? lockLines(rows, now) : [];
    let seen = shown.count.all;
    for (const state of itemStates) if (filter.hidden.has(state)) seen -= shown.count.state(state);
    const off = new Set(this.memory.lockStates);
    const found =
      tab === 'locks'
        ? {
            shown: lines.filter(({ state, mode }) => !off.has(state) && !off.has(mode)).length,
            all: lines.length,
          }
        : tab === 'events'
          ? { shown: rows?.events.length ?? 0, all: model.stores.get(scope.store)?.seq ?? 0 }
          : { shown: seen, all: scope.count.all };
    return {
      memory: this.memory,
      scope,
      shown,
      locks: rows?.locks.size ?? 0,
      lockCounts: lockCounts(lines),
      found,
      keep: (kept) => {
        this.#keep(kept);
      },
      exported: (format) => {
        this.#export(format);
      },
    };
  }

  #tab(around: Around, workflow: PanelWorkflow | null, shown: Scope): TemplateResult {
    const { memory, version } = this;
    const { scope } = around;
    const unseen = this.#filterNow.hidden;
    switch (memory.tab) {
      case 'board': {
        let seen = shown.count.all;
        for (const state of unseen) seen -= shown.count.state(state);
        if (seen === 0 && scope.count.all > 0) {
          return this.#nothingMatches();
        }
        if (workflow?.errors.length && scope.count.all === 0) return html``;
        return html`<wl-board
          .workflow=${workflow}
          .around=${around}
          .shown=${shown}
          .unseen=${unseen}
          .open=${memory.unfolded[scope.key] ?? []}
          .folded=${new Set(memory.closed)}
          .selected=${memory.selected}
          .lines=${memory.lines}
          .version=${version}
          @wl-fold=${(event: FoldEvent) => {
            this.#fold(scope.key, event);
          }}
          @wl-foldgroup=${(event: CustomEvent<string>) => {
            const { closed } = memory;
            this.#keep({
              closed: closed.includes(event.detail)
                ? closed.filter((it) => it !== event.detail)
                : [...closed, event.detail],
            });
          }}
        ></wl-board>`;
      }
      case 'graph': {
        const nodes = this.#drawings.nodes(around, shown, unseen);
        if (nodes.length === 0 && scope.count.all > 0) return this.#nothingMatches();
        return html`${keyed(
          scope.key,
          html`<wl-graph
            .runs=${nodes}
            .waves=${this.#drawings.waves(around, workflow?.waves ?? [])}
            .current=${workflow && !workflow.completed ? workflow.wave : null}
            .selected=${this.#idOf(memory.selected)}
          ></wl-graph>`,
        )}`;
      }
      case 'timeline': {
        const bars = this.#drawings.bars(around, shown, unseen);
        if (bars.length === 0 && scope.lanes.size > 0) return this.#nothingMatches();
        return html`${keyed(
          scope.key,
          html`<wl-timeline
            .clock=${this.#clock}
            .runs=${bars}
            .selected=${this.#idOf(memory.selected)}
          ></wl-timeline>`,
        )}`;
      }
      case 'locks':
        return html`<wl-locks
          .model=${around.model}
          .store=${scope.store}
          .now=${around.now}
          .text=${memory.text}
          .unseen=${new Set(memory.lockStates)}
          .version=${version}
        ></wl-locks>`;
      case 'events':
        return html`<wl-events
          .model=${around.model}
          .store=${scope.store}
          .text=${memory.text}
          .unseen=${new Set(memory.eventKinds)}
          .older=${this.#older}
          .version=${version}
        ></wl-events>`;
    }
  }

  #nothingMatches(): TemplateResult {
    return nothingMatches(() => {
      this.#keep(allShown);
    });
  }

  #fold(scope: string, event: FoldEvent): void {
    const { unfolded } = this.memory;
    const others = (unfolded[scope] ?? []).filter((wave) => wave !== event.wave);
    this.#keep({
      unfolded: { ...unfolded, [scope]: event.open ? [...others, event.wave] : others },
    });
  }

  #head({ model, scope }: Around, workflow: PanelWorkflow | null): TemplateResult {
    return head({
      model,
      scope,
      scopes: this.#scopes,
      workflow,
      advance: workflow && this.#mayAdvance(workflow),
      act: (wish) => void this.#do(wish),
      choose: (key) => {
        this.#keep({ scope: key, selected: null, camera: null });
      },
      help: () => {
        this.helping = true;
      },
      goOn: () => void this.#advance(),
      showBlockers: () => {
        this.#showBlockers();
      },
    });
  }
}

const nameOf = (item: Item): string => item.task?.id ?? titleOf(item);
