import { LitElement } from 'lit';
export class Timeline extends LitElement {}
export function registerTimeline(): void {
  if (!customElements.get('wl-timeline')) customElements.define('wl-timeline', Timeline);
}
