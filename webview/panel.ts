/**
 * The run-state panel: the head, the tabs, what is looked at, and the details of one item. It holds no truth of its
 * own; every picture is drawn from the model that the host keeps up to date. Long because each key and each click that
 * concerns more than one part ends here.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { ExportFormat, PanelWorkflow } from '../src/shared/protocol';
import { mayAdvance, type Advance } from './advance';
import { cardLimit } from './board';
import { describeControl } from './controls';
import { zoomStep } from './graph/camera';
import { Drawings } from './drawings';
import { RunOpenEvent, RunSelectEvent } from './graph/runs';
import { banners, head, problems } from './header';
import { l10n } from './l10n';
import type { Reply } from './link';
import { lockCounts } from './locks';
import { lockLines } from './lockView';
import { noMemory, tabs, type Memory } from './memory';
import type { Menu } from './menu';
import type { Model, Moved } from './model';
import { glyph, iconButton, DoEvent, SayEvent, SelectEvent, type Wish } from './parts';
import { Requests } from './requests';
import { Sayings } from './sayings';
import { Sight } from './sight';
import { emptyPage, skeleton, strangers } from './pages';
import type { Around } from './say';
import type { Item, Scope } from './scope';
import { countSeen, tabPage } from './tabPage';
import { allShown, chips, tabRow, type ToolbarParts } from './toolbar';
import { Whereabouts, type Remembers } from './whereabouts';

/** The other end, as far as the panel is concerned. */
export interface PanelHost {
  request(wish: Wish): Promise<Reply>;
  load(): Memory;
  save(memory: Memory): void;
}

/** Waiting shorter than this is not shown: a flash of placeholders reads as a fault. */
const skeletonDelayMs = 150;
const tickMs = 1_000;

export class Panel extends LitElement {
  static override properties = {
    host: { attribute: false },
    model: { attribute: false },
    version: { attribute: false },
    failed: { attribute: false },
    slow: { state: true },
    memory: { state: true },
    helping: { state: true },
  };
  declare host: PanelHost | null;
  declare model: Model | null;
  /** Another number for each change of the model. */
  declare version: number;
  /** Host and panel do not understand one another. */
  declare failed: boolean;
  declare slow: boolean;
  declare memory: Memory;
  declare helping: boolean;

  #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #sight = new Sight(this);
  readonly #drawings = new Drawings();
  readonly #sayings = new Sayings(() => {
    this.requestUpdate();
  });
  readonly #requests = new Requests({
    request: (wish) => this.host?.request(wish),
    say: (text) => {
      this.#sayings.say(text);
    },
    redraw: () => {
      this.requestUpdate();
    },
  });
  readonly #whereabouts: Whereabouts;

  constructor() {
    super();
    this.host = null;
    this.model = null;
    this.version = 0;
    this.failed = false;
    this.slow = false;
    this.memory = noMemory;
    this.helping = false;
    this.addEventListener('wl-do', (event) => {
      if (event instanceof DoEvent) this.#do(event.wish);
    });
    this.addEventListener('wl-select', (event) => {
      if (event instanceof RunSelectEvent) this.#choose(event.run);
      else if (event instanceof SelectEvent) this.#select(event.key);
    });
    this.addEventListener('wl-open', (event) => {
      const key = event instanceof RunOpenEvent ? this.#sight.keyOf(event.run) : undefined;
      if (key !== undefined) this.#select(key);
    });
    this.addEventListener('wl-say', (event) => {
      if (event instanceof SayEvent) this.#sayings.say(event.text);
    });
    this.addEventListener('wl-showall', () => {
      this.#keep(allShown);
    });
    this.addEventListener('wl-scope', (event) => {
      this.#keep({ scope: (event as CustomEvent<string>).detail });
    });
    this.#whereabouts = new Whereabouts(this, this.#remembers());
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
    this.#whereabouts.stop();
    document.removeEventListener('keydown', this.#key);
  }

  /** The model was carried forward, or is another. */
  follow(model: Model, moved: readonly Moved[]): void {
    this.model = model;
    this.version += 1;
    const elsewhere = this.#sayings.follow(model, moved, this.memory.selected);
    for (const workflow of elsewhere) this.#requests.settle(workflow);
  }

  /** What the host's clock says now. */
  readonly #clock = (): number => Date.now() + (this.model?.offset ?? 0);

  #tick(): void {
    if (!this.model || document.hidden) return;
    this.model.tick(this.#clock());
    this.version += 1;
  }

  /* ---------------------------------------------------------------- what is looked at */

  #keep(kept: Partial<Memory>): void {
    this.memory = { ...this.memory, ...kept };
    this.host?.save(this.memory);
  }

  #remembers(): Remembers {
    const memory = (): Memory => this.memory;
    return {
      get memory() {
        return memory();
      },
      keep: (kept) => {
        this.#keep(kept);
      },
      idOf: (key) => this.#sight.idOf(key),
    };
  }

  /* ---------------------------------------------------------------- what is asked for */

  #do(wish: Wish): void {
    void this.#requests.do(wish);
  }

  #advance(): void {
    const workflow = this.#sight.workflow;
    if (!workflow) return;
    const { off, reason } = this.#mayAdvance(workflow);
    if (off) this.#sayings.say(reason);
    else void this.#requests.advance(workflow);
  }

  #mayAdvance(workflow: PanelWorkflow): Advance {
    const count = this.#sight.scope?.waves.get(workflow.wave)?.count;
    return mayAdvance(workflow, this.#sight.store, count, this.#requests.advanceOf(workflow.key));
  }

  #showBlockers(): void {
    const workflow = this.#sight.workflow;
    if (!workflow || !this.model) return;
    const others = [...(this.#sight.scope?.waves.keys() ?? [])].filter(
      (wave) => wave !== workflow.wave,
    );
    this.#keep({
      ...allShown,
      tab: 'board',
      hidden: ['completed'],
      waves: others,
    });
  }

  #export(format: ExportFormat): void {
    const around = this.#sight.around;
    if (!around) return;
    const { scope, model } = around;
    const { items } = this.#sight;
    this.querySelector<Menu>('.m-export')?.close();
    this.#do({
      type: 'export',
      format,
      store: scope.store,
      workflow: model.workflows.has(scope.key) ? scope.key : null,
      tasks: items.flatMap(({ task }) => (task ? [task.id] : [])),
      runs: items.flatMap(({ key }) => model.attemptsOf(scope, key).map(({ id }) => id)),
    });
  }

  readonly #older = async (store: string, before: number): Promise<boolean> => {
    const page = await this.#requests.older(store, before);
    if (!page || !this.model) return false;
    this.model.addOlderEvents(store, page.events, page.from);
    this.version += 1;
    return true;
  };

  #select(key: string): void {
    this.#keep({ selected: key });
    this.#whereabouts.focusDetails();
  }

  /** Chosen in the graph or on the timeline: its details are seen, and the keyboard stays where it is. */
  #choose(id: string | null): void {
    this.#keep({ selected: this.#sight.choose(id) });
  }

  #closeDetails(): void {
    const key = this.memory.selected;
    this.#keep({ selected: null });
    if (key !== null) this.#whereabouts.focusItemOrView(key);
  }

  /* ---------------------------------------------------------------- focus and keys */

  #goTo(tab: Memory['tab'], key: string | undefined): void {
    this.#keep({ tab });
    this.#whereabouts.arrive(key);
  }

  /** The item that keys are about: the one with the focus, else the one whose details are seen. */
  get #current(): Item | undefined {
    const focused = this.#whereabouts.focused;
    const isRun = focused.row?.startsWith('run ') ?? false;
    const key = isRun ? this.#sight.keyOf(focused.row?.slice(4) ?? '') : focused.key;
    return key === undefined ? this.#sight.selected : this.#sight.scope?.items.get(key);
  }

  #nextAttention(): void {
    if (!this.#sight.scope) return;
    const all = this.#sight.attention;
    if (all.length === 0) {
      this.#sayings.say(l10n.t('Nothing needs attention'));
      return;
    }
    const current = this.#current;
    const at = all.findIndex(({ key }) => key === current?.key);
    const next = all[(at + 1) % all.length];
    if (next && !this.#whereabouts.focusItem(next.key)) this.#select(next.key);
  }

  readonly #key = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.altKey) return;
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === 'z' && !event.shiftKey && !isWritten(target))
        this.#takeBack(event);
      return;
    }
    if (event.key === 'F6') {
      event.preventDefault();
      // The editor around hears every key that comes to the window, and would leave the panel.
      event.stopPropagation();
      this.#whereabouts.nextRegion(event.shiftKey);
      return;
    }
    if (event.key === 'Escape') {
      this.#escape(target);
      return;
    }
    if (isWritten(target) || this.helping || !this.model) return;
    // What a control does with the key comes first.
    if (event.key === ' ' && target instanceof HTMLElement && target.matches('button, input'))
      return;
    const act = this.#keys[event.key];
    if (!act) return;
    event.preventDefault();
    act(this.#current);
  };

  #takeBack(event: KeyboardEvent): void {
    const workflow = this.#sight.workflow;
    if (this.helping || !workflow) return;
    event.preventDefault();
    // The editor around would take it for its own.
    event.stopPropagation();
    this.#do({ type: 'takeBack', workflow: workflow.key });
  }

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
    else if (target instanceof HTMLInputElement) this.#whereabouts.focusView();
    else this.#requests.dismiss();
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
      this.#whereabouts.focus('[data-search]');
    },
    '?': () => {
      this.helping = true;
    },
    f: () => {
      this.#whereabouts.focus('.chips button');
    },
    F: () => {
      this.#keep(allShown);
    },
    d: () => {
      const wave = this.#sight.workflow?.wave ?? 0;
      const many = (this.#sight.scope?.waves.get(wave)?.count.all ?? 0) > cardLimit;
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
      this.#advance();
    },
    A: () => {
      const workflow = this.#sight.workflow;
      if (workflow) this.#sayings.say(this.#mayAdvance(workflow).reason);
    },
    e: () => {
      this.querySelector<Menu>('.m-export')?.show();
    },
    ' ': () => {
      const { view } = this.#whereabouts;
      if (view && 'toggleFollow' in view) view.toggleFollow();
    },
    o: (item) => {
      const workflow = this.#sight.workflow;
      if (item?.task && workflow)
        this.#do({ type: 'open', workflow: workflow.key, task: item.task.id });
    },
    '.': (item) => {
      if (!item) return;
      this.#keep({ selected: item.key });
      void this.updateComplete.then(() => {
        this.#whereabouts.focus('.drawer .acts button');
      });
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
    const store = this.#sight.scope?.store;
    if (item?.run && store !== undefined) this.#do({ type: 'copy', store, run: item.run.id, what });
  }

  #zoom(how: 'in' | 'out' | 'fit'): void {
    const { view } = this.#whereabouts;
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
    if (changed.has('version') || changed.has('memory'))
      void this.#requests.lookAt(this.#sight.selected?.run, this.#sight.scope?.store);
    this.#whereabouts.restoreView();
    if (this.model) this.#whereabouts.restoreLists(this.#sight.scope?.key);
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
      ${this.#sayings.render()}
    </div>`;
  }

  #body(): TemplateResult {
    const { model } = this;
    if (this.failed) return strangers();
    const opening = model && [...model.stores.values()].some(({ state }) => state === 'opening');
    const scope = this.#sight.scope;
    if (!model || (opening && !scope)) {
      return this.slow ? skeleton() : html`<main class="panel"></main>`;
    }
    const around = this.#sight.around;
    if (!scope || !around)
      return emptyPage(model, (wish) => {
        this.#do(wish);
      });
    const workflow = this.#sight.workflow;
    const item = this.#sight.selected;
    const parts = this.#toolbarParts(around);
    return html`<main class="panel">
      <h1 class="sr">${l10n.t('Run state')}</h1>
      ${this.#head(around, workflow)}
      ${banners(model.stores.values(), model.stores.size > 1, (wish) => {
        this.#do(wish);
      })}
      ${
        this.#requests.told === null
          ? nothing
          : html`<div class="banner" role="alert">
              ${glyph('info')}
              <p>${this.#requests.told}</p>
              <span class="banner-a"
                >${iconButton({
                  icon: 'close',
                  label: l10n.t('Dismiss'),
                  act: () => {
                    this.#requests.dismiss();
                    this.#whereabouts.focusView();
                  },
                })}</span
              >
            </div>`
      }
      ${
        workflow
          ? problems(workflow, (line) => {
              this.#do({ type: 'open', workflow: workflow.key, line });
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
          ${this.#tabPage(around, workflow, parts.shown)}
        </div>
        ${
          item
            ? html`<wl-drawer
                .item=${item}
                .around=${around}
                .workflow=${workflow}
                .details=${this.#requests.detailsOf(item.run?.id)}
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
    const filter = this.#sight.filter;
    const shown = this.#sight.shownOf(scope);
    const rows = model.rows.get(scope.store);
    const { tab } = this.memory;
    const lines = tab === 'locks' && rows ? lockLines(rows, now) : [];
    const off = new Set(this.memory.lockStates);
    const found =
      tab === 'locks'
        ? {
            shown: lines.filter(({ state, mode }) => !off.has(state) && !off.has(mode)).length,
            all: lines.length,
          }
        : tab === 'events'
          ? { shown: rows?.events.length ?? 0, all: model.stores.get(scope.store)?.seq ?? 0 }
          : { shown: countSeen(shown, filter.hidden), all: scope.count.all };
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

  #tabPage(around: Around, workflow: PanelWorkflow | null, shown: Scope): TemplateResult {
    return tabPage({
      memory: this.memory,
      keep: (kept) => {
        this.#keep(kept);
      },
      around,
      workflow,
      shown,
      unseen: this.#sight.filter.hidden,
      drawings: this.#drawings,
      selected: this.#sight.idOf(this.memory.selected),
      clock: this.#clock,
      older: this.#older,
      version: this.version,
    });
  }

  #head({ model, scope }: Around, workflow: PanelWorkflow | null): TemplateResult {
    return head({
      model,
      scope,
      scopes: this.#sight.scopes,
      workflow,
      advance: workflow && this.#mayAdvance(workflow),
      act: (wish) => {
        this.#do(wish);
      },
      choose: (key) => {
        this.#keep({ scope: key, selected: null, camera: null });
      },
      help: () => {
        this.helping = true;
      },
      goOn: () => {
        this.#advance();
      },
      showBlockers: () => {
        this.#showBlockers();
      },
    });
  }
}

/** Keys that are pressed there write, or choose. */
const isWritten = (target: EventTarget | undefined): boolean =>
  target instanceof HTMLElement &&
  target.matches('input:not([type=checkbox]), textarea, select, [contenteditable]');
