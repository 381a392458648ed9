/** Locks that several processes want: the cases L. What they are answered is judged by the plain model, too. */
import assert from 'node:assert/strict';
import type {
  Answer,
  Command,
  Granted,
  LockMode,
  LockWish,
  WaiterId,
} from '../../../src/core/model';
import { granted, refused } from '../../core/rowStore';
import type { Company } from '../company';
import { Conversation } from '../conversation';
import { Random } from '../random';

/** Each in a process of its own; ann has two, on two hosts. */
const [ann, bob, cy, annElsewhere] = [0, 1, 2, 3] as const;
const file = 'src/a.ts';
const rounds = 6;

type Acquire = Extract<Command, { kind: 'lock.acquire' }>;

const acquire = (
  wishes: readonly (string | LockWish)[],
  mode: LockMode = 'write',
  more: Partial<Acquire> = {},
): Acquire => ({
  kind: 'lock.acquire',
  wishes: wishes.map((wish) => (typeof wish === 'string' ? { resource: wish, mode } : wish)),
  worktree: '',
  ...more,
});
const waiting = (id: string): Partial<Acquire> => ({ waiter: id as WaiterId });
const release = (resources: readonly string[] | 'all'): Command => ({
  kind: 'lock.release',
  resources,
  worktree: '',
});

class Table {
  constructor(readonly conversation: Conversation) {}

  /** All at once, each by its own process. */
  async together<C extends Command>(
    ...said: readonly (readonly [who: number, command: C])[]
  ): Promise<readonly Answer<Granted[C['kind']]>[]> {
    const { conversation } = this;
    const utterances = said.map(([who, command]) => conversation.utter(who, command));
    const exchanges = await conversation.say(utterances, 'at once');
    return utterances.map(({ line }) => {
      const exchange = exchanges.find(({ opId }) => opId === line.opId);
      assert.ok(exchange);
      // The rule for this kind of command made the facts.
      return exchange.answer as Answer<Granted[C['kind']]>;
    });
  }

  async one<C extends Command>(who: number, command: C): Promise<Answer<Granted[C['kind']]>> {
    const [answer] = await this.together([who, command]);
    assert.ok(answer);
    return answer;
  }

  pass(ms: number): void {
    this.conversation.universe.pass(ms);
  }
}

export function describeLocks(company: Company): void {
  const atTable = async (play: (table: Table) => Promise<void>): Promise<void> => {
    const { engine, seed } = company;
    const speakers = company.speakers.slice(0, 4);
    const stage = { engine, speakers, random: new Random(seed), inThread: new Set<number>() };
    const conversation = await Conversation.begin(stage);
    try {
      await play(new Table(conversation));
      await conversation.verify();
    } finally {
      await conversation.end();
    }
  };

  describe('locks', () => {
    it('L-1 readers in several processes hold the same at once', () =>
      atTable(async (table) => {
        const reading = acquire([file], 'read');
        for (const answer of await table.together([ann, reading], [bob, reading], [cy, reading]))
          granted(answer);
      }));

    it('L-2 of three writers at once there is one, and the others hear who', () =>
      atTable(async (table) => {
        for (let round = 0; round < rounds; round += 1) {
          const writing = acquire([`src/${round}.ts`]);
          const answers = await table.together([ann, writing], [bob, writing], [cy, writing]);
          const winner = answers.findIndex(({ ok }) => ok);
          const losers = answers.filter((_, index) => index !== winner);
          for (const loser of losers) {
            const [denial] = refused(loser, 'lock_denied').denials;
            assert.equal(denial?.holder.name, ['ann', 'bob', 'cy'][winner]);
          }
          assert.equal(losers.length, 2);
        }
      }));

    it('L-3 the same agent refreshes from another process, with the same token', () =>
      atTable(async (table) => {
        const [first] = granted(await table.one(ann, acquire([file]))).locks;
        const [again] = granted(await table.one(annElsewhere, acquire([file]))).locks;
        assert.equal(again?.how, 'refreshed');
        assert.equal(again.token, first?.token);
      }));

    it('L-4 a sole reader is upgraded, from whichever process, and shuts the others out', () =>
      atTable(async (table) => {
        const [read] = granted(await table.one(ann, acquire([file], 'read'))).locks;
        const [written] = granted(await table.one(annElsewhere, acquire([file]))).locks;
        assert.equal(written?.how, 'upgraded');
        assert.ok(read && written.token > read.token);
        refused(await table.one(bob, acquire([file], 'read')), 'lock_denied');
      }));

    it('L-5 of two readers none is upgraded, though both ask at once', () =>
      atTable(async (table) => {
        const reading = acquire([file], 'read');
        await table.together([ann, reading], [bob, reading]);
        const writing = acquire([file]);
        for (const answer of await table.together([ann, writing], [bob, writing]))
          refused(answer, 'lock_denied');
      }));

    it('L-6 of two who wait to be upgraded the second is told of the deadlock', () =>
      atTable(async (table) => {
        const reading = acquire([file], 'read');
        await table.together([ann, reading], [bob, reading]);
        const answers = await table.together(
          [ann, acquire([file], 'write', waiting('a'))],
          [bob, acquire([file], 'write', waiting('b'))],
        );
        const codes = answers.map((answer) => (answer.ok ? 'granted' : answer.refusal.code));
        assert.deepEqual(codes.sort(), ['deadlock', 'lock_denied']);
      }));

    it('L-7 of three batches that overlap in a ring one gets all of its own', () =>
      atTable(async (table) => {
        for (let round = 0; round < rounds; round += 1) {
          const [a, b, c] = ['a', 'b', 'c'].map((name) => `src/${round}${name}.ts`) as [
            string,
            string,
            string,
          ];
          const answers = await table.together(
            [ann, acquire([a, b])],
            [bob, acquire([b, c])],
            [cy, acquire([c, a])],
          );
          const [locks, none] = answers.flatMap((answer) =>
            answer.ok ? [answer.facts.locks] : [],
          );
          assert.equal(locks?.length, 2);
          assert.equal(none, undefined);
        }
      }));

    it('L-8 a batch that is denied takes none, and what was held is held as before', () =>
      atTable(async (table) => {
        const [held] = granted(await table.one(ann, acquire(['src/x.ts']))).locks;
        granted(await table.one(bob, acquire(['src/b.ts'])));
        refused(await table.one(ann, acquire(['src/a.ts', 'src/b.ts', 'src/x.ts'])), 'lock_denied');
        granted(await table.one(cy, acquire(['src/a.ts'])));
        const verify = {
          kind: 'lock.verify',
          wishes: [{ resource: 'src/x.ts' }],
          worktree: '',
        } as const;
        assert.deepEqual(
          granted(await table.one(annElsewhere, verify)).locks[0]?.token,
          held?.token,
        );
      }));

    it('L-9 an expired lock never blocks a process, without any sweep', () =>
      atTable(async (table) => {
        granted(await table.one(ann, acquire([file], 'write', { ttlMs: 20_000 })));
        // Cy's host has another clock, and dates the lock from its first sight of it.
        refused(await table.one(cy, acquire([file])), 'lock_denied');
        table.pass(19_999);
        refused(await table.one(bob, acquire([file])), 'lock_denied');
        table.pass(2);
        granted(await table.one(cy, acquire([file], 'write', { ttlMs: 20_000 })));
        refused(await table.one(bob, acquire([file])), 'lock_denied');
        table.pass(20_001);
        granted(await table.one(bob, acquire([file])));
      }));

    it('L-10 who waits in line is told 1, 2, 3, and gets its turn in this order', () =>
      company.meet(4, async (crew) => {
        granted(await crew.say(0, acquire([file])));
        const line = [1, 2, 3] as const;
        const wish = (who: number): Acquire => acquire([file], 'write', waiting(`of ${who}`));
        const placeOf = async (who: number): Promise<number | undefined> =>
          refused(await crew.say(who, wish(who)), 'lock_denied').denials[0]?.queuePosition;
        for (const who of line) assert.equal(await placeOf(who), who);
        for (const who of line) {
          granted(await crew.say(who - 1, release([file])));
          // Those behind ask first, and do not overtake.
          for (const behind of line.filter((other) => other > who)) {
            const answer = await crew.say(behind, { ...wish(behind), renewal: true });
            refused(answer, 'lock_denied');
          }
          granted(await crew.say(who, { ...wish(who), renewal: true }));
        }
      }));

    it('L-11 a writer behind readers is not starved by those that come after it', () =>
      atTable(async (table) => {
        granted(await table.one(ann, acquire([file], 'read')));
        const writing = acquire([file], 'write', waiting('w'));
        refused(await table.one(bob, writing), 'lock_denied');
        refused(await table.one(cy, acquire([file], 'read')), 'lock_denied');
        granted(await table.one(annElsewhere, release([file])));
        const [reader, writer] = await table.together(
          [cy, acquire([file], 'read')],
          [bob, { ...writing, renewal: true }],
        );
        assert.ok(reader && writer);
        refused(reader, 'lock_denied');
        granted(writer);
      }));

    it('L-12 what an agent held and waited for is free when it has left', () =>
      atTable(async (table) => {
        granted(await table.one(bob, acquire(['src/a.ts', 'src/b.ts'])));
        granted(await table.one(ann, acquire(['src/c.ts'])));
        refused(await table.one(bob, acquire(['src/c.ts'], 'write', waiting('w'))), 'lock_denied');
        granted(await table.one(bob, { kind: 'agent.leave' }));
        granted(await table.one(cy, acquire(['src/a.ts', 'src/b.ts'])));
        granted(await table.one(annElsewhere, release('all')));
        granted(await table.one(cy, acquire(['src/c.ts'])));
      }));

    it('L-13 verify lists what is missing, and with hashes what has changed since', () =>
      atTable(async (table) => {
        const [one, other] = ['1', '2'].map((digit) => digit.repeat(64)) as [never, never];
        const wishes = [
          { resource: 'same.ts', hash: one },
          { resource: 'changed.ts', hash: one },
          { resource: 'gone.ts', hash: one },
          { resource: 'new.ts', hash: null },
        ];
        granted(await table.one(ann, acquire(wishes)));
        const verify = (now: readonly LockWish[]): Command & { kind: 'lock.verify' } => ({
          kind: 'lock.verify',
          wishes: now,
          worktree: '',
        });
        const missing = await table.one(annElsewhere, verify([{ resource: 'theirs.ts' }]));
        assert.deepEqual(refused(missing, 'lock_required').resources, ['theirs.ts']);
        const now = [
          { resource: 'same.ts', hash: one },
          { resource: 'changed.ts', hash: other },
          { resource: 'gone.ts', hash: null },
          { resource: 'new.ts', hash: one },
        ];
        const { files } = refused(await table.one(annElsewhere, verify(now)), 'conflict');
        const changes = files?.map(({ resource, change }) => `${resource} ${change}`).sort();
        assert.deepEqual(changes, ['changed.ts modified', 'gone.ts removed', 'new.ts added']);
      }));

    const overlaps: readonly (readonly [held: string, wanted: string, meets: boolean])[] = [
      ['src/a.ts#f', 'src/a.ts', true],
      ['src/a.ts#f', 'src/a.ts#g', false],
      ['glob:src/*.ts', 'src/a.ts', true],
      ['glob:src/*.ts', 'docs/a.md', false],
      ['glob:src/**', 'glob:docs/**', false],
      ['task:t1', 'task:t1', true],
      ['task:t1', 'task:t2', false],
      ['workspace', 'src/a.ts', true],
      ['src/a.ts', 'workspace', true],
    ];
    it('L-14 symbols, globs, tasks and the workspace meet what they mean, across processes', () =>
      atTable(async (table) => {
        for (const [held, wanted, meets] of overlaps) {
          granted(await table.one(ann, acquire([held])));
          const answer = await table.one(cy, acquire([wanted]));
          assert.equal(!answer.ok, meets, `${held} and ${wanted}`);
          await table.together([ann, release('all')], [cy, release('all')]);
        }
      }));
  });
}
