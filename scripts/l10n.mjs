// npm run l10n: puts every text that the extension says into l10n/bundle.l10n.json, and says what a translation lacks.
// With --check nothing is written. Texts stand where they are used: `l10n.t('Wave {0}', 3)`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

/** Where texts are, and which are complete beside English. */
const sources = ['src', 'webview'];
export const languages = ['de'];

const bundle = (language = '') => `l10n/bundle.l10n${language === '' ? '' : `.${language}`}.json`;
const manifest = (language = '') => `package.nls${language === '' ? '' : `.${language}`}.json`;

/** Every text with the places where it is said, in order. @returns {{ texts: Map<string, string[]>, faults: string[] }} */
export function textsOf(root) {
  const texts = new Map();
  const faults = [];
  for (const file of sourceFiles(root)) {
    const text = readFileSync(join(root, file), 'utf8');
    if (!text.includes('l10n.t(')) continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    visit(source, source, texts, faults);
  }
  return { texts: new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1))), faults };
}

function sourceFiles(root) {
  return sources
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .sort();
}

function visit(node, source, texts, faults) {
  if (ts.isCallExpression(node) && isTranslation(node.expression)) {
    const [first] = node.arguments;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    const place = `${source.fileName}:${line + 1}`;
    // What is put together while the program runs is in no bundle.
    if (first && ts.isStringLiteralLike(first)) {
      texts.set(first.text, [...(texts.get(first.text) ?? []), place]);
    } else faults.push(`${place}: the text is not written out`);
  }
  ts.forEachChild(node, (child) => visit(child, source, texts, faults));
}

/** `vscode.l10n.t` and `l10n.t`. */
function isTranslation(expression) {
  return (
    ts.isPropertyAccessExpression(expression) &&
    expression.name.text === 't' &&
    /(?:^|\.)l10n$/.test(expression.expression.getText())
  );
}

/** What is missing or left over, for people to read; nothing when all is complete. @returns {string[]} */
export function lacking(root) {
  const { texts, faults } = textsOf(root);
  const english = read(root, bundle());
  const found = [...faults];
  found.push(...difference([...texts.keys()], Object.keys(english), bundle()));
  for (const language of languages) {
    found.push(...compare(root, english, bundle(language)));
    found.push(...compare(root, read(root, manifest()), manifest(language)));
  }
  return found;
}

function compare(root, english, file) {
  const translated = read(root, file);
  return [
    ...difference(Object.keys(english), Object.keys(translated), file),
    ...Object.entries(translated).flatMap(([key, value]) => {
      const text = english[key];
      if (text === undefined) return [];
      if (value.trim() === '') return [`${file}: “${key}” is empty`];
      return placesOf(text) === placesOf(value)
        ? []
        : [`${file}: “${key}” has other places to fill`];
    }),
  ];
}

/** `{0}`, commands of links, icons and code: what a translation has to keep. */
function placesOf(text) {
  return (text.match(/\{\d+\}|\(command:[^)]*\)|\$\([a-z-]+\)|`[^`]+`/g) ?? []).sort().join(' ');
}

function difference(wanted, there, file) {
  const [want, have] = [new Set(wanted), new Set(there)];
  return [
    ...wanted.filter((key) => !have.has(key)).map((key) => `${file} lacks “${key}”`),
    ...there
      .filter((key) => !want.has(key))
      .map((key) => `${file} has “${key}”, which nobody says`),
  ];
}

function read(root, file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** English anew; of the others what is still said stays, and what is new is for people to translate. */
function update(root) {
  const { texts } = textsOf(root);
  const keys = [...texts.keys()];
  write(root, bundle(), Object.fromEntries(keys.map((text) => [text, text])));
  for (const language of languages) {
    const known = read(root, bundle(language));
    const kept = keys.flatMap((text) => (text in known ? [[text, known[text]]] : []));
    write(root, bundle(language), Object.fromEntries(kept));
  }
}

function write(root, file, content) {
  writeFileSync(join(root, file), `${JSON.stringify(content, null, 2)}\n`);
}

// A test has it in a bundle, which knows no place of its own.
const [, program = ''] = process.argv;
if (basename(program) === 'l10n.mjs') {
  const root = join(dirname(program), '..');
  if (!process.argv.includes('--check')) update(root);
  const found = lacking(root);
  for (const each of found) console.log(each);
  console.log(found.length === 0 ? 'Complete.' : `${found.length} to do.`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
