/**
 * Text that others wrote, as a label: it says what it is and can do nothing. Markdown is not interpreted
 * anywhere that these labels go; what is left are characters that a label would obey instead of show.
 */

const longest = 200;
/** Embeddings, overrides, isolates and marks: they change how everything beside them reads. */
const bidiControl = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
/** What is written from right to left pulls its neighbours along, unless it is isolated. */
const rightToLeft =
  /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const control = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]/gu;
const half = /\p{Surrogate}/gu;

/** One line: controls as their symbols, what is written from right to left by itself, never endless. */
export function plain(text: string, most = longest): string {
  // A character is at most two units, so this holds enough of any text without looking at all of it.
  const shown = text
    .slice(0, 2 * (most + 1))
    .replace(half, '\uFFFD')
    .replace(bidiControl, '\uFFFD')
    .replace(control, symbolOf);
  const characters = Array.from(shown);
  const cut = characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : shown;
  return rightToLeft.test(cut) ? `\u2068${cut}\u2069` : cut;
}

function symbolOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return code > 0x9f ? '\u2424' : '\uFFFD';
}

/** For a notification, which would make a link of `[text](address)`. */
export function plainNotice(text: string): string {
  return text.replaceAll('](', ']\u200B(');
}

/** For the status bar and for lists to pick from, which would draw `$(name)`. */
export function plainIcons(text: string): string {
  return text.replace(/\$(?=\()/g, '\\$');
}
