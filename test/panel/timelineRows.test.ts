/** Time, rows and marks of the timeline, without a page. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { marksOf, timesSaid } from '../../webview/timeline/marks';
import {
  extent,
  groupRow,
  isOpen,
  rowAt,
  runRow,
  timelineRows,
  type TimelineRun,
} from '../../webview/timeline/rows';
import {
  clockMarks,
  keepNear,
  leastSpan,
  minute,
  mostSpan,
  spanOf,
  timeAt,
  xOf,
  zoomAbout,
} from '../../webview/timeline/scale';
import { duration } from '../../webview/l10n';
import { ledgerTimes, manyRuns, now } from './ledger';
import { someGraph } from './someGraph';

const hour = { from: now - 60 * minute, to: now };

const anyRange = fc
  .tuple(fc.integer({ min: 1e12, max: 2e12 }), fc.integer({ min: leastSpan, max: mostSpan }))
  .map(([from, span]) => ({ from, to: from + span }));

const run = (id: string, more: Partial<TimelineRun> = {}): TimelineRun => ({
  id,
  wave: 1,
  task: id,
  title: id,
  status: 'completed',
  agent: 'ann',
  attempt: 1,
  maxAttempts: 3,
  createdAt: now - 50 * minute,
  startedAt: now - 40 * minute,
  endedAt: now - 30 * minute,
  ...more,
});

const keys = (runs: readonly TimelineRun[], grouping: 'agent' | 'wave', folded: string[] = []) =>
  timelineRows(runs, grouping, new Set(folded)).list.map((row) =>
    row.kind === 'group' ? row.label : row.run.id,
  );

describe('time scale', () => {
  it('leaves the time under the pointer where it is, and within its bounds', () => {
    fc.assert(
      fc.property(
        anyRange,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (range, factor, share) => {
          const time = range.from + share * spanOf(range);
          const zoomed = zoomAbout(range, factor, time);
          assert.ok(spanOf(zoomed) >= leastSpan - 1 && spanOf(zoomed) <= mostSpan + 1);
          assert.ok(Math.abs(xOf(zoomed, 1_000, time) - xOf(range, 1_000, time)) < 0.01);
        },
      ),
    );
  });

  it('tells time and place back and forth', () => {
    assert.equal(Math.round(1e6 * xOf(hour, 600, timeAt(hour, 600, 123))), 123e6);
  });

  it('marks round times with room for their words, each once', () => {
    fc.assert(
      fc.property(anyRange, fc.integer({ min: 60, max: 3_000 }), (range, width) => {
        const { marks, step } = clockMarks(range, width);
        assert.ok(marks.length <= width / 60 + 2);
        let last = -Infinity;
        for (const { time } of marks) {
          assert.ok(time >= range.from && time <= range.to);
          assert.ok(time > last);
          last = time;
          if (step >= minute) assert.equal(new Date(time).getSeconds(), 0);
        }
      }),
    );
  });

  it('reads as a clock does', () => {
    const { marks } = clockMarks({ from: now - 62 * minute, to: now + 8 * minute }, 940);
    assert.deepEqual(
      marks.map(({ time }) => `${new Date(time).getHours()}:${new Date(time).getMinutes()}`),
      ['14:10', '14:20', '14:30', '14:40', '14:50', '15:0', '15:10'],
    );
  });

  it('goes no farther than where something is seen', () => {
    const far = keepNear({ from: 0, to: 60 * minute }, hour);
    assert.ok(far.to > hour.from);
    const late = keepNear({ from: now + 1e9, to: now + 1e9 + 60 * minute }, hour);
    assert.ok(late.from < hour.to);
  });

  it('says durations in two figures at most', () => {
    assert.deepEqual([0, -5, 59_999, 372_000, 6_000_000, 90_000_000, 200_000_000].map(duration), [
      '0s',
      '0s',
      '59s',
      '6m 12s',
      '1h 40m',
      '1d 1h',
      '2d 7h',
    ]);
  });
});

describe('timeline rows', () => {
  it('stand under their agent, in the order of time, and what nobody has last', () => {
    const runs = [
      run('late', { startedAt: now - 1 }),
      run('queued', { agent: null, startedAt: null, endedAt: null, status: 'queued' }),
      run('early', { startedAt: now - 60 * minute }),
      run('ten', { agent: 'worker-10' }),
      run('two', { agent: 'worker-2' }),
    ];
    assert.deepEqual(keys(runs, 'agent'), [
      'ann',
      'early',
      'late',
      'worker-2',
      'two',
      'worker-10',
      'ten',
      'Not claimed',
      'queued',
    ]);
  });

  it('stand under their wave as well', () => {
    const runs = [run('c', { wave: null }), run('b', { wave: 10 }), run('a', { wave: 2 })];
    assert.deepEqual(keys(runs, 'wave'), ['Wave 2', 'a', 'Wave 10', 'b', 'No wave', 'c']);
    assert.deepEqual(keys(runs, 'wave', ['wave is 2']), ['Wave 2', 'Wave 10', 'b', 'No wave', 'c']);
  });

  it('keep attempts together, each under the one before', () => {
    const { list } = timelineRows(ledgerTimes, 'agent', new Set());
    const linked = list.flatMap((row) =>
      row.kind === 'run' && row.before ? [`${row.before.id} → ${row.run.id}`] : [],
    );
    assert.deepEqual(linked, [
      'run-2-04-1 → run-2-04',
      'run-2-07-1 → run-2-07-2',
      'run-2-07-2 → run-2-07',
      'run-2-06-1 → run-2-06',
    ]);
  });

  it('end although attempts refer to one another in a circle', () => {
    const runs = [
      run('a', { retryOf: 'c' }),
      run('b', { retryOf: 'a' }),
      run('c', { retryOf: 'b' }),
      run('self', { retryOf: 'self' }),
    ];
    assert.equal(keys(runs, 'agent').length, 5);
  });

  it('are found by their height', () => {
    const { list, tops } = timelineRows(
      manyRuns(someGraph({ runs: 500, edges: 0, waves: 3 })),
      'agent',
      new Set(),
    );
    list.forEach((row, index) => {
      assert.equal(rowAt(tops, tops[index] ?? NaN), index);
      const height = row.kind === 'group' ? groupRow : runRow;
      assert.equal(rowAt(tops, (tops[index] ?? NaN) + height - 1), index);
    });
    assert.equal(rowAt(tops, -1), 0);
    assert.equal(rowAt(tops, 1e9), list.length - 1);
  });

  it('reach from the first that was made to now or to what is due', () => {
    assert.equal(extent([], now), null);
    assert.deepEqual(extent([run('a')], now), { from: now - 50 * minute, to: now - 30 * minute });
    const running = run('b', { endedAt: null, status: 'running' });
    assert.equal(extent([running], now)?.to, now);
    const due = run('c', { startedAt: null, endedAt: null, status: 'retry', dueAt: now + minute });
    assert.equal(extent([due], now)?.to, now + minute);
    assert.ok(isOpen(running) && isOpen(due) && !isOpen(run('a')));
  });
});

describe('timeline marks', () => {
  const marks = (more: Partial<TimelineRun>, before: TimelineRun | null = null) =>
    marksOf(run('a', more), before, hour, 600, now);

  it('are a thin line while it waited, a bar while it ran, and a tick at each transition', () => {
    const { wait, bar, ticks, made, gap, ghost, elbow } = marks({});
    assert.deepEqual(wait, { x: 100, width: 100 });
    assert.deepEqual(bar, { x: 200, width: 100 });
    assert.deepEqual({ ticks, made }, { ticks: [200, 300], made: 100 });
    assert.deepEqual([gap, ghost, elbow], [null, null, null]);
  });

  it('reach to now while it runs, and show from when it was silent', () => {
    const { bar, gap, live, detail } = marks({
      status: 'running',
      endedAt: null,
      stale: true,
      heartbeatAt: now - 10 * minute,
    });
    assert.equal(live, true);
    assert.deepEqual(bar, { x: 200, width: 400 });
    assert.deepEqual(gap, { x: 500, width: 100 });
    assert.equal(detail, '40m 00s, stale');
  });

  it('link a retry to the attempt before instead of a time of waiting', () => {
    const first = run('first', { endedAt: now - 45 * minute });
    const { elbow, wait } = marks({ attempt: 2, retryOf: 'first' }, first);
    assert.deepEqual(elbow, { x: 150, width: 50 });
    assert.equal(wait, null);
  });

  it('show what is due where it will begin', () => {
    const { ghost, bar, detail, ticks } = marksOf(
      run('a', { status: 'retry', startedAt: null, endedAt: null, dueAt: now + 42_000 }),
      null,
      { from: now - 30 * minute, to: now + 30 * minute },
      600,
      now,
    );
    assert.deepEqual(ghost, { x: 307, width: 90 });
    assert.deepEqual([bar, detail, ticks], [null, 'in 0:42', [307]]);
  });

  it('lie within the view, however far the range is from the run', () => {
    fc.assert(
      fc.property(anyRange, fc.integer({ min: 100, max: 2_000 }), (range, width) => {
        for (const it of ledgerTimes) {
          const found = marksOf(it, null, range, width, now);
          for (const span of [found.wait, found.bar, found.gap, found.ghost]) {
            if (!span) continue;
            assert.ok(span.x >= -40 && span.width > 0 && span.x + span.width <= width + 40);
          }
          for (const x of found.ticks) assert.ok(x >= -1 && x <= width + 1);
        }
      }),
    );
  });

  it('have words that say the same', () => {
    const said = timesSaid(run('a', { note: 'exit 1' }), now);
    assert.match(
      said,
      /^created 14:12:11, started 14:22:11, ended 14:32:11 after 10 minutes, exit 1$/,
    );
  });
});
