/** What is printed for people: in columns, cut to the terminal, and unable to steer it. */
import assert from 'node:assert/strict';
import { commandWords } from '../../src/tools/commandWord';
import { clipboardPrograms } from '../../src/tools/clipboard';
import {
  cut,
  lasting,
  painter,
  printable,
  table,
  widthOf,
  type Look,
} from '../../src/tools/terminal';

const plain: Look = { paint: painter(false), columns: undefined, now: 0 };
const columns = [
  { title: 'ID' },
  { title: 'TITLE', flexible: true },
  { title: 'AGE', align: 'right' },
] as const;

describe('cli: terminal', () => {
  it('a table is aligned, also where characters are wide or have no width', () => {
    const rows = [
      ['1', '豆を蒔く', '1 s'],
      ['22', 'Cafe\u0301', '10 s'],
    ];
    assert.equal(
      table(columns, rows, plain),
      'ID  TITLE      AGE\n1   豆を蒔く   1 s\n22  Cafe\u0301      10 s\n',
    );
  });

  it('a narrow terminal cuts the flexible columns and nothing else', () => {
    const rows = [['run_1', 'a title that is far too long for this', '4 min']];
    const text = table(columns, rows, { ...plain, columns: 30 });
    assert.equal(text, 'ID     TITLE               AGE\nrun_1  a title that is…  4 min\n');
    for (const line of text.split('\n')) assert.ok(widthOf(line) <= 30, line);
  });

  it('text of others cannot steer the terminal', () => {
    const hostile = 'a\u001b[2J\u202eb\u0007\r\nc\u200b';
    assert.equal(printable(hostile), 'a\\u001b[2J\\u202eb\\u0007\\u000d\\u000ac\\u200b');
    assert.ok(!table(columns, [[hostile, hostile, hostile]], plain).includes('\u001b'));
  });

  it('colours are there for a terminal only', () => {
    assert.equal(painter(true).red('x'), '\u001b[31mx\u001b[39m');
    assert.equal(painter(false).red('x'), 'x');
  });

  it('what is cut says so; times are in the largest unit', () => {
    assert.equal(cut('abcdef', 4), 'abc…');
    assert.equal(cut('豆を蒔く', 4), '豆…');
    assert.deepEqual([0, 59_999, 60_000, 7_200_000, 90_000_000].map(lasting), [
      '0 s',
      '59 s',
      '1 min',
      '2 h',
      '1 d',
    ]);
  });

  it('the command of a call is found behind global flags and their values', () => {
    assert.deepEqual(commandWords(['--cwd', 'run', 'lock', 'list']), ['lock', 'list']);
    assert.deepEqual(commandWords(['--json', '--agent', 'lock', 'note', 'add', 'run']), [
      'note',
      'add',
    ]);
    assert.deepEqual(commandWords(['--', 'run']), []);
  });

  it('each platform has its clipboard; where there is none, there is no program to try', () => {
    const names = (platform: NodeJS.Platform, env: Record<string, string>): string[] =>
      clipboardPrograms(platform, env).map(([program]) => program);
    assert.deepEqual(names('darwin', {}), ['pbcopy']);
    assert.deepEqual(names('win32', {}), ['clip']);
    assert.deepEqual(names('linux', { WAYLAND_DISPLAY: '1', DISPLAY: ':0' }), [
      'wl-copy',
      'xclip',
      'xsel',
    ]);
    assert.deepEqual(names('linux', {}), []);
  });
});
