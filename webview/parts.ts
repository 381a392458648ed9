/** Small pieces that every tab is made of, and the events that they send to the panel. */
import { html, nothing, type TemplateResult } from 'lit';
import type { HostRequest } from '../src/shared/protocol';
import { l10n } from './l10n';
import type { Count } from './scope';
import { looks, type Bucket } from './states';

export const glyph = (name: string, hue = ''): TemplateResult =>
  html`<i class="codicon codicon-${name} ${hue}" aria-hidden="true"></i>`;

export const stateGlyph = (bucket: Bucket): TemplateResult =>
  glyph(looks[bucket].glyph, `st-${bucket}`);

export const agentGlyphs: Readonly<Record<string, string>> = {
  window: 'window',
  terminal: 'terminal',
  worker: 'server-process',
  mcp: 'plug',
  other: 'account',
};

export interface IconButton {
  readonly icon: string;
  readonly label: string;
  readonly act: (event: Event) => void;
  readonly pressed?: boolean;
  readonly cls?: string;
}

export function iconButton({ icon, label, act, pressed, cls = '' }: IconButton): TemplateResult {
  return html`<button
    class="ib ${cls}"
    aria-label=${label}
    title=${label}
    aria-pressed=${pressed === undefined ? nothing : String(pressed)}
    @click=${act}
  >
    ${glyph(icon)}
  </button>`;
}

const percent = (share: number, all: number): number => (all === 0 ? 0 : (100 * share) / all);

/** Completed solid, running hatched; set as a property because the content policy forbids style attributes. */
export const fill = (count: Count | undefined): TemplateResult => {
  const all = count?.all ?? 0;
  return html`<b class="f-done" .style=${`width:${percent(count?.completed ?? 0, all)}%`}></b
    ><b class="f-run" .style=${`width:${percent(count?.running ?? 0, all)}%`}></b>`;
};

export const isShown = (element: HTMLElement): boolean => element.getClientRects().length > 0;

/** An item was chosen: its details shall be seen. */
export class SelectEvent extends Event {
  constructor(
    readonly key: string,
    readonly open = true,
  ) {
    super('wl-select', { bubbles: true });
  }
}

/** Something worth saying to a person who does not see the panel. */
export class SayEvent extends Event {
  constructor(readonly text: string) {
    super('wl-say', { bubbles: true });
  }
}

type Unnumbered<Message> = Message extends { request: number } ? Omit<Message, 'request'> : never;
export type Wish = Unnumbered<HostRequest>;

/** Something that the host shall do. */
export class DoEvent extends Event {
  constructor(readonly wish: Wish) {
    super('wl-do', { bubbles: true });
  }
}

/** What had the focus is gone. While somebody is elsewhere in the editor, nothing calls him back. */
export const focusLost = (): boolean =>
  document.hasFocus() && document.activeElement === document.body;

export const blank = (
  icon: string,
  title: string,
  note: TemplateResult | string,
  more: TemplateResult | typeof nothing = nothing,
): TemplateResult =>
  html`<div class="blank">
    <div>
      ${glyph(icon, 'hero')}
      <h2>${title}</h2>
      <p>${note}</p>
      ${more}
    </div>
  </div>`;

export const nothingMatches = (clear: () => void): TemplateResult =>
  blank(
    'filter',
    l10n.t('Nothing matches'),
    l10n.t('The filters hide everything that there is.'),
    html`<p class="blank-a">
      <button class="btn" @click=${clear}>${l10n.t('Show all')}</button>
    </p>`,
  );
