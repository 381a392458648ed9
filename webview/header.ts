/** The head of the panel: whose workflow this is, how far it is, whether it may go on, and what is wrong. Pure drawing. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PanelStore, PanelWorkflow } from '../src/shared/protocol';
import { l10n, number, time } from './l10n';
import { fill, glyph, type Wish } from './parts';
import type { Count } from './scope';
import { type Scope } from './scope';

export interface Advance {
  readonly off: boolean;
  readonly glyph: 'info' | 'warning';
  readonly reason: string;
  /** Tasks keep it from going on: they can be shown. */
  readonly blockers: boolean;
}

export type Asked =
  { readonly state: 'pending' } | { readonly state: 'refused'; readonly why: string };

/** The host decides; this only spares a person a request that is sure to be refused. */
export function mayAdvance(
  workflow: PanelWorkflow,
  store: PanelStore | undefined,
  count: Count | undefined,
  asked: Asked | undefined,
): Advance {
  const no = (reason: string, glyph: Advance['glyph'] = 'info', blockers = false): Advance => ({
    off: true,
    glyph,
    reason,
    blockers,
  });
  const state = store?.state ?? 'opening';
  if (state === 'failed') return no(l10n.t('Writes are off: the store failed'), 'warning');
  if (state === 'untrusted') return no(l10n.t('Writes are off: this workspace is not trusted'));
  if (state === 'opening' || state === 'none') return no(l10n.t('The store is still opening'));
  const { file, errors, wave, waveCount } = workflow;
  if (errors.length > 0) {
    return no(
      errors.length === 1
        ? l10n.t('{0} has 1 error; nothing is advanced until it is fixed', file)
        : l10n.t(
            '{0} has {1} errors; nothing is advanced until they are fixed',
            file,
            errors.length,
          ),
      'warning',
    );
  }
  if (workflow.completed) return no(l10n.t('The workflow is completed'));
  if (asked?.state === 'pending') return no(l10n.t('Advancing…'));
  const open = count?.blockers ?? 0;
  if (wave > 0 && count && open > 0) return no(whyOpen(wave, open, count), 'info', true);
  if (asked) return { off: false, glyph: 'warning', reason: asked.why, blockers: false };
  const all = count?.tasks ?? 0;
  const yes = (reason: string): Advance => ({ off: false, glyph: 'info', reason, blockers: false });
  if (wave === 0) return yes(l10n.t('Starts wave 1'));
  if (all === 0) return yes(l10n.t('Nothing in wave {0} is left to do', wave));
  if (wave >= waveCount)
    return yes(l10n.t('All of the last wave is completed; advancing completes the workflow'));
  return yes(
    all === 1
      ? l10n.t('The one task of wave {0} is completed', wave)
      : l10n.t('All {0} tasks of wave {1} are completed', all, wave),
  );
}

function whyOpen(wave: number, open: number, { open: by, unticked }: Count): string {
  const parts = [
    by.active > 0 ? l10n.t('{0} running', by.active) : '',
    by.waiting > 0 ? l10n.t('{0} waiting', by.waiting) : '',
    by.attention === 1
      ? l10n.t('1 needs attention')
      : by.attention > 0
        ? l10n.t('{0} need attention', by.attention)
        : '',
    unticked > 0 ? l10n.t('{0} not ticked in the file', unticked) : '',
  ].filter(Boolean);
  return open === 1
    ? l10n.t('1 task of wave {0} is not completed: {1}', wave, parts.join(', '))
    : l10n.t('{0} tasks of wave {1} are not completed: {2}', open, wave, parts.join(', '));
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
export function live(store: PanelStore | undefined): TemplateResult {
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

export function progress(workflow: PanelWorkflow, scope: Scope): TemplateResult {
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

export function holder({ holder: by }: PanelWorkflow): TemplateResult | typeof nothing {
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
