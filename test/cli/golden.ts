/** Documents as they are promised: one file each, with what differs from run to run said by its kind. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { wavelock, type Options, type Result } from './wavelock';

const folder = 'test/cli/goldens';
const renewing = process.env['WAVELOCK_GOLDENS'] === 'renew';

/** The goldens of one test: every one of its folder is compared, and none is left over. */
export class Goldens {
  readonly #seen = new Set<string>();
  readonly #ids = new Map<string, string>();

  constructor(
    private readonly noun: string,
    private readonly options: Options,
  ) {
    if (renewing) rmSync(this.#path(), { recursive: true, force: true });
  }

  /** Runs the command with `--json` and compares what it prints, and how it ends. */
  async match(
    name: string,
    args: readonly string[],
    options: Partial<Options> = {},
  ): Promise<Result> {
    const result = await wavelock({ ...this.options, ...options }, ...args, '--json');
    const told = {
      command: this.#told(`wavelock ${args.join(' ')}`),
      exit: result.code,
      document: this.#plain(result.document, ''),
    };
    const text = `${JSON.stringify(told, null, 2)}\n`;
    const path = this.#path(`${name}.json`);
    this.#seen.add(`${name}.json`);
    if (renewing) {
      mkdirSync(this.#path(), { recursive: true });
      writeFileSync(path, text);
    } else {
      assert.ok(existsSync(path), `${path} is missing: npm run goldens`);
      assert.equal(text, readFileSync(path, 'utf8'), `${path}; if this is meant: npm run goldens`);
    }
    return result;
  }

  done(): void {
    assert.deepEqual(readdirSync(this.#path()).sort(), [...this.#seen].sort());
  }

  #path(...names: readonly string[]): string {
    return join(folder, this.noun, ...names);
  }

  #plain(value: unknown, key: string): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#plain(each, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([name, each]) => [name, this.#plain(each, name)]),
      );
    }
    if (typeof value === 'number') return numberOf(value, key);
    return typeof value === 'string' ? this.#told(value, key) : value;
  }

  #told(text: string, key = ''): string {
    if (['node', 'engine', 'platform', 'bootId'].includes(key)) return `<${key}>`;
    return (
      text
        .replaceAll(this.options.cwd, '<folder>')
        .replace(
          /\b(run|agt|lck|ses|wtr|edt|cfl|op)_[0-9a-hjkmnp-tv-z]{10}\b/g,
          (id, kind: string) => {
            const known = this.#ids.get(id) ?? `<${kind} ${this.#countOf(kind) + 1}>`;
            this.#ids.set(id, known);
            return known;
          },
        )
        // After the ids, in which a short name may stand by chance.
        .replace(hostName, '<host>')
        .replace(/cli:<host>:[0-9a-z]{6}/g, 'cli:<host>:<chance>')
        .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
        .replace(/\b[0-9a-f]{40}\b/g, '<token>')
        .replace(/\d{8}T\d{9}Z-\d+/g, '<backup>')
        .replace(/\d{4}-\d\d-\d\dT\d{6}\.\d{3}-[0-9a-f]{12}/g, '<backup>')
        .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?/g, '<time>')
        .replace(/\b\d+ (ms|s|min)\b/g, '<duration>')
    );
  }

  #countOf(kind: string): number {
    return [...this.#ids.values()].filter((id) => id.startsWith(`<${kind} `)).length;
  }
}

const hostName = new RegExp(
  `(?<![\\w<])${hostname().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w>])`,
  'g',
);

const free: ReadonlySet<string> = new Set(['at', 'seq', 'pid', 'bytes', 'mono', 'ageMs', 'since']);

function numberOf(value: number, key: string): number | string {
  if (value > 1_600_000_000_000) return '<time>';
  if (key === 'retryAfterMs') return '<duration>';
  return free.has(key) ? `<${key}>` : value;
}
