/** One clear sentence when this Node (or this editor's Node) has no SQLite; undefined when it has. */
export function sqliteMissing(): string | undefined {
  const has =
    typeof process.getBuiltinModule === 'function' && process.getBuiltinModule('node:sqlite');
  if (has) return undefined;
  return process.versions['electron'] === undefined && process.env['VSCODE_PID'] === undefined
    ? `Wavelock needs Node.js 22.16 or newer, because of its built-in SQLite; this is ${process.version}.`
    : `Wavelock needs an editor whose Node.js has SQLite built in (VS Code 1.106 or newer); this one runs ${process.version}.`;
}
