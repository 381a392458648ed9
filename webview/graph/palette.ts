/** The colours and fonts of the theme, as a canvas takes them. They come from the element's own properties. */
import { glyphs, hues, type Hue } from './runs';

const names = [
  'bg',
  'fg',
  'dim',
  'raised',
  'recess',
  'line',
  'line-soft',
  'edge',
  'focus',
  'pick',
  'pick-fg',
  'pick-line',
] as const;
type Name = (typeof names)[number];

export interface Palette {
  readonly colour: Readonly<Record<Name, string>>;
  readonly hue: Readonly<Record<Hue, string>>;
  readonly font: string;
  readonly family: string;
  /** The character of a glyph in the icon font. */
  readonly glyph: ReadonlyMap<string, string>;
  /** Selected by outline, never by fill. */
  readonly contrast: boolean;
}

export function readPalette(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(`--wl-${name}`).trim() || 'transparent';
  const probe = document.createElement('i');
  probe.hidden = true;
  element.append(probe);
  const glyph = new Map(
    glyphs.map((name) => {
      probe.className = `codicon codicon-${name}`;
      const content = getComputedStyle(probe, '::before').content;
      return [name, content.replaceAll('"', '')];
    }),
  );
  probe.remove();
  return {
    colour: Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, string>,
    hue: Object.fromEntries(hues.map((name) => [name, value(`hue-${name}`)])) as Record<
      Hue,
      string
    >,
    font: style.fontFamily,
    family: style.fontFamily,
    glyph,
    contrast: value('contrast') === '1',
  };
}

/** Calls when the colours may have changed: another theme, other tokens, forced colours. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const options = { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] };
  observer.observe(document.documentElement, options);
  observer.observe(document.body, options);
  const media = ['(forced-colors: active)', '(prefers-color-scheme: dark)'].map((query) =>
    matchMedia(query),
  );
  for (const it of media) it.addEventListener('change', changed);
  return () => {
    observer.disconnect();
    for (const it of media) it.removeEventListener('change', changed);
  };
}
