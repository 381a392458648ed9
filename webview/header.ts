/** The head of the panel: whose workflow this is, how far it is, whether it may go on, and what is wrong. Pure drawing. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PanelStore, PanelWorkflow } from '../src/shared/protocol';
import { l10n, number, time } from './l10n';
import type { Advance } from './advance';
import type { Model } from './model';
import { fill, glyph, iconButton, type Wish } from './parts';
import type { Scope } from './scope';

export interface HeadParts {
  readonly model: Model;
  readonly scope: Scope;
  readonly scopes: readonly Scope[];
  readonly workflow: PanelWorkflow | null;
  /** Whether it may go on; null where there is no workflow. */
  readonly advance: Advance | null;
  readonly act: (wish: Wish) => void;
  readonly choose: (scope: string) => void;
  readonly help: () => void;
  readonly goOn: () => void;
  readonly showBlockers: () => void;
}

export function head(parts: HeadParts): TemplateResult {
  const { model, scope, scopes, workflow, act } = parts;
  const name = nameOfScope(model, scope);
  return html`<header class="head">
    <div class="h-row">
      <div class="h-id">
        ${scopes.length > 1 ? chooser(parts, name) : html`<h2 class="ell" title=${name}>${name}</h2>`}
        ${
          workflow === null
            ? nothing
            : html`${
                  workflow.id === null
                    ? nothing
                    : html`<span class="mono dim ell wid" title=${workflow.id}
                        >${workflow.id}</span
                      >`
                }<button
                  class="link mono ell file"
                  title=${l10n.t('Open {0}', workflow.file)}
                  @click=${() => {
                    act({ type: 'open', workflow: workflow.key });
                  }}
                >
                  ${workflow.file}</button
                >${holder(workflow)}`
        }
      </div>
      <div class="h-live">
        ${live(model.stores.get(scope.store))}
        ${iconButton({
          icon: 'split-horizontal',
          label: l10n.t('Move to the side'),
          cls: 'aside',
          act: () => {
            act({ type: 'aside' });
          },
        })}
        ${iconButton({ icon: 'keyboard', label: l10n.t('Keys'), act: parts.help })}
      </div>
    </div>
    ${actRow(parts)}
  </header>`;
}

function chooser({ model, scope, scopes, choose }: HeadParts, name: string): TemplateResult {
  return html`<h2 class="sr">${name}</h2>
    <span class="pick"
      ><select
        aria-label=${l10n.t('Workflow')}
        title=${name}
        @change=${(event: Event) => {
          choose((event.target as HTMLSelectElement).value);
        }}
      >
        ${scopes.map(
          (it) =>
            html`<option value=${it.key} .selected=${it === scope}>
              ${nameOfScope(model, it, true)}
            </option>`,
        )}</select
      >${glyph('chevron-down')}</span
    >`;
}

function actRow({
  workflow,
  scope,
  advance,
  goOn,
  showBlockers,
}: HeadParts): TemplateResult | typeof nothing {
  if (workflow === null || advance === null) return nothing;
  return html`<div class="h-row h-act">
    ${workflow.waveCount > 0 ? progress(workflow, scope) : nothing}
    <div class="h-adv">
      <p class="reason">
        ${glyph(advance.glyph, advance.glyph === 'warning' ? 'st-lost' : '')}<span
          class="ell"
          title=${advance.reason}
          >${advance.reason}</span
        >
      </p>
      ${
        advance.blockers
          ? html`<button class="link blockers" @click=${showBlockers}>
              ${l10n.t('Show blockers')}
            </button>`
          : nothing
      }
      <vscode-button
        class=${advance.off ? 'off' : ''}
        appearance="primary"
        .ariaDisabled=${String(advance.off)}
        @click=${goOn}
        >${glyph('debug-step-over')}${l10n.t('Advance Wave')}</vscode-button
      >
    </div>
  </div>`;
}

function nameOfScope(model: Model, scope: Scope, withFolder = false): string {
  const workflow = model.workflows.get(scope.key);
  if (workflow)
    return withFolder ? `${workflow.name} (${workflow.folder}/${workflow.file})` : workflow.name;
  const store = model.stores.get(scope.store)?.name ?? '';
  return l10n.t('Runs outside of workflows, {0}', store);
}

const liveLooks: { readonly [State in PanelStore['state']]: readonly [string, string] } = {
  none: ['circle-large-outline', ''],
  opening: ['sync', 'turns'],
  live: ['broadcast', 'st-completed'],
  failed: ['warning', 'st-lost'],
  untrusted: ['shield', ''],
};

function liveWord(state: PanelStore['state']): string {
  switch (state) {
    case 'none':
      return l10n.t('No store yet');
    case 'opening':
      return l10n.t('Opening');
    case 'live':
      return l10n.t('Following');
    case 'failed':
      return l10n.t('Store failed');
    case 'untrusted':
      return l10n.t('Restricted');
  }
}

/** Only the word is announced: a number that ticks would never stop talking. */
function live(store: PanelStore | undefined): TemplateResult {
  const state = store?.state ?? 'none';
  const [name, hue] = liveLooks[state];
  return html`<span class="live"
    >${glyph(name, hue)}<span class="word" role="status">${liveWord(state)}</span>${
      store && state === 'live'
        ? html`<span class="num dim seq">${l10n.t('seq {0}', store.seq)}</span>`
        : nothing
    }</span
  >`;
}

function progress(workflow: PanelWorkflow, scope: Scope): TemplateResult {
  const waves = scope.waveNumbers(workflow.waves).filter((wave) => wave > 0);
  const isCurrent = (wave: number) => wave === workflow.wave && !workflow.completed;
  const title = workflow.waves.find(({ number: of }) => of === workflow.wave)?.title;
  // A segment thinner than a pixel tells nothing.
  const few = waves.length <= 60;
  let completed = 0;
  let all = 0;
  for (const wave of waves) {
    completed += scope.waves.get(wave)?.count.completed ?? 0;
    all += scope.waves.get(wave)?.count.all ?? 0;
  }
  const said = l10n.t('{0} of {1} tasks completed', completed, all);
  return html`<div class="h-prog">
    <span class="strong num wx">${l10n.t('Wave {0}/{1}', workflow.wave, workflow.waveCount)}</span>
    ${title ? html`<span class="ell wname" title=${title}>${title}</span>` : nothing}
    <span class="segs" role="img" aria-label=${said}>
      ${
        few
          ? waves.map((wave) => {
              const count = scope.waves.get(wave)?.count;
              return html`<span
                class="seg ${isCurrent(wave) ? 'cur' : ''}"
                .style=${`flex-grow:${Math.max(1, Math.sqrt(count?.all ?? 0))}`}
                >${fill(count)}</span
              >`;
            })
          : html`<span class="seg cur">${fill(scope.count)}</span>`
      }
    </span>
    <span class="num dim">${l10n.t('{0}/{1} tasks', completed, all)}</span>
  </div>`;
}

function holder({ holder: by }: PanelWorkflow): TemplateResult | typeof nothing {
  if (!by) return nothing;
  const who = by.mine ? l10n.t('Held by you') : l10n.t('Held by {0}', by.name);
  const since = l10n.t('since {0}', time(by.since));
  return html`<span class="held ell" title="${who} ${since}"
    >${glyph('lock', by.mine ? 'st-running' : '')}<span class="ell"
      >${who} <span class="num dim">${since}</span></span
    ></span
  >`;
}

/** A banner for each store that is in trouble, with what helps. */
export function banners(
  stores: Iterable<PanelStore>,
  several: boolean,
  act: (wish: Wish) => void,
): TemplateResult {
  const log = html`<button
    class="btn"
    @click=${() => {
      act({ type: 'showLog' });
    }}
  >
    ${l10n.t('Show log')}
  </button>`;
  return html`${[...stores].map((store) => {
    const name = several ? html`<b>${store.name}</b> ` : nothing;
    if (store.state === 'failed') {
      return html`<div class="banner" role="alert">
        ${glyph('warning', 'st-lost')}
        <p>
          ${name}<b>${l10n.t('The store failed.')}</b> ${store.message}
          ${l10n.t('Nothing is written until it works again; what is shown is what was last known.')}
          <span class="mono">${store.code}</span>
        </p>
        <span class="banner-a"
          ><button
            class="btn primary"
            @click=${() => {
              act({ type: 'retryStore', store: store.key });
            }}
          >
            ${l10n.t('Try again')}</button
          ><button
            class="btn"
            @click=${() => {
              act({ type: 'doctor' });
            }}
          >
            ${l10n.t('Run Doctor')}</button
          >${log}</span
        >
      </div>`;
    }
    return store.warnings.map(
      ({ code, message }) =>
        html`<div class="banner quiet" role="note">
          ${glyph('info')}
          <p class="ell" title=${message}>${name}${message} <span class="mono">${code}</span></p>
          <span class="banner-a">${log}</span>
        </div>`,
    );
  })}`;
}

export function problems(
  workflow: PanelWorkflow,
  open: (line: number) => void,
): TemplateResult | typeof nothing {
  const { errors, file } = workflow;
  if (errors.length === 0) return nothing;
  const title =
    errors.length === 1
      ? l10n.t('{0}: 1 error', file)
      : l10n.t('{0}: {1} errors', file, errors.length);
  return html`<div class="problems" role="group" aria-labelledby="problems-title">
    <h2 id="problems-title" class="ell">${glyph('error', 'st-error')}<span>${title}</span></h2>
    <ul tabindex="-1">
      ${errors.map(
        (problem) =>
          html`<li>
            <button
              class="problem"
              @click=${() => {
                open(problem.line);
              }}
            >
              <span class="num link">${l10n.t('Line {0}', problem.line + 1)}</span
              ><span class="ell" title=${problem.message}>${problem.message}</span
              ><span class="mono code ell">${problem.code}</span>
            </button>
          </li>`,
      )}
    </ul>
  </div>`;
}

export const shareWord = (shown: number, all: number): string => `${number(shown)}/${number(all)}`;
