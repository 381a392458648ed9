/** plan.json → PlanDraft: what people and programs hand over to begin a workflow with. Total, as `decodeCommand`. */
import * as z from 'zod/mini';
import { limits } from './commandCodec';
import type { PlanDraft, RefusalOf } from './model';

const unseen = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const line = (most: number) =>
  z.string().check(
    z.maxLength(most, `This holds at most ${most} characters.`),
    z.refine((text) => !unseen.test(text), 'This must not hold control or direction characters.'),
  );
const named = (most: number) =>
  line(most).check(z.refine((text) => text.trim() !== '', 'This must not be blank.'));
const taskId = z.string().check(z.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'This is not a task id.'));
const workflowId = named(128).check(
  z.refine((text) => !text.includes('`'), 'An id holds no backticks.'),
);

const draft = z.strictObject({
  v: z.optional(z.literal(1)),
  id: z.optional(workflowId),
  name: z.optional(named(limits.title)),
  waves: z
    .array(
      z.strictObject({
        name: z.optional(named(limits.title)),
        tasks: z.array(
          z.strictObject({
            id: taskId,
            description: line(limits.note),
            dependsOn: z.optional(z.array(taskId)),
            files: z.optional(z.array(named(limits.resource))),
          }),
        ),
      }),
    )
    .check(z.minLength(1, 'A workflow has a wave at least.'), z.maxLength(limits.list)),
});

/** @param name stands in for, or instead of, the plan's own */
export function decodePlanDraft(
  value: unknown,
  name: string | undefined,
): { readonly draft: PlanDraft } | RefusalOf<'bad_input'> {
  const parsed = draft.safeParse(value);
  if (!parsed.success) {
    // A parse that failed has an issue at least.
    const [issue] = parsed.error.issues;
    return badInput(issue?.path.join('.') ?? '', issue?.message ?? 'This is not a plan.');
  }
  const { id, waves, name: own } = parsed.data;
  const called = name ?? own;
  if (called === undefined) return badInput('name', 'Give the workflow a name.');
  const twice = firstTwice(waves.flatMap(({ tasks }) => tasks.map((task) => task.id)));
  if (twice !== undefined) return badInput('waves', `Task ${twice} is there twice.`);
  // The schema vouches for the brands of tasks.
  return { draft: { id: id ?? idFrom(called), name: called, waves } as unknown as PlanDraft };
}

function badInput(path: string, message: string): RefusalOf<'bad_input'> {
  return { code: 'bad_input', message: path === '' ? message : `${path}: ${message}`, path };
}

function firstTwice(ids: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return ids.find((id) => seen.has(id) || !seen.add(id));
}

/** Words of the name as an id; where it has none that an id could hold, any id will do. */
function idFrom(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .match(/[a-z0-9]+/g);
  return words?.join('-').slice(0, 64) ?? 'workflow';
}
