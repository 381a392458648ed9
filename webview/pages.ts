/** What is shown in place of a workflow: while the store opens, where there is none, and when nothing can be shown. */
import { html, type TemplateResult } from 'lit';
import { banners } from './header';
import { l10n } from './l10n';
import type { Model } from './model';
import { glyph, type Wish } from './parts';

export function emptyPage({ stores }: Model, act: (wish: Wish) => void): TemplateResult {
  const states = [...stores.values()].map(({ state }) => state);
  const untrusted = states.includes('untrusted');
  const failed = states.includes('failed');
  return html`<main class="panel">
    <h1 class="sr">${l10n.t('Run state')}</h1>
    ${banners(stores.values(), stores.size > 1, act)}
    <div class="blank">
      <div>
        ${glyph(untrusted ? 'shield' : 'layers', 'hero')}
        ${
          untrusted
            ? html`<h2>${l10n.t('This workspace is not trusted')}</h2>
                <p>
                  ${l10n.t('Wavelock keeps no state and writes nothing here until you trust the workspace.')}
                </p>`
            : failed
              ? html`<h2>${l10n.t('Nothing to show')}</h2>
                  <p>${l10n.t('Nothing is written until the store works again.')}</p>`
              : html`<h2>${l10n.t('No workflow in this folder yet')}</h2>
                  <p>
                    ${l10n.t('Wavelock reads waves and tasks from a workflow file and shows here who runs what. As soon as the folder has one, it appears.')}
                  </p>
                  <p class="mono">STATE.md</p>`
        }
      </div>
    </div>
  </main>`;
}

/** Host and panel are of different versions. */
export const strangers = (): TemplateResult =>
  html`<main class="panel">
    <h1 class="sr">${l10n.t('Run state')}</h1>
    <div class="banner" role="alert">
      ${glyph('warning', 'st-lost')}
      <p>
        <b>${l10n.t('The panel and the extension do not understand one another.')}</b>
        ${l10n.t('Close the panel and open it again; if that does not help, reload the window.')}
      </p>
    </div>
  </main>`;

export function skeleton(): TemplateResult {
  const bar = (size: string) => html`<span class="sk ${size}"></span>`;
  const cards = Array.from(
    { length: 6 },
    () => html`<div class="card">${bar('w80')}${bar('w40')}</div>`,
  );
  return html`<main class="panel">
    <h1 class="sr">${l10n.t('Run state')}</h1>
    <p class="sr" role="status">${l10n.t('Opening the store')}</p>
    <div class="loading" aria-hidden="true">
      <div class="lh">${bar('title')}${bar('w40')}</div>
      <div class="board">
        <div class="wave side folded"><div class="sk column"></div></div>
        <div class="wave current">
          <div class="wh">${bar('word')}</div>
          <div class="wbody"><div class="cards still">${cards}</div></div>
        </div>
        <div class="wave side near-1">
          <div class="wh">${bar('word')}</div>
          <div class="wbody">${bar('row')}${bar('row')}${bar('row')}</div>
        </div>
      </div>
    </div>
  </main>`;
}
