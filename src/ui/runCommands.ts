/** The commands about runs: what they are about, asked for only where it is not known, and only from what is legal. */
import * as vscode from 'vscode';
import type { Answer, CreateRuns, RunId, RunRow } from '../core/model';
import { plain, plainIcons } from '../shared/plainText';
import type { TaskOverview, WaveOverview } from '../store/overview';
import { mention, type Acting } from './acting';
import type { ClaimedRuns } from './claimedRuns';
import type { RunTarget, TaskTarget, WorkflowTarget } from './commandTable';
import type { FolderModel, FolderTools } from './folderModel';
import { runActions, type RunActions } from './legalActions';
import { lookOfTask, runDetails, runLook } from './runWords';
import { taskRuns } from './taskRuns';
import type { Located, WorkspaceModel } from './workspaceModel';

interface Chosen {
  readonly model: FolderModel;
  readonly run: RunRow;
}

export class RunCommands {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly acting: Acting,
    private readonly claimed: ClaimedRuns,
  ) {}

  async create(target?: WorkflowTarget | TaskTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const wanted = await this.#newRun(target);
    if (!wanted) return;
    const { model, command } = wanted;
    const facts = await this.acting.ask(model, { what: 'Create run' }, ({ store }) =>
      store.submit(command),
    );
    if (facts) mention(vscode.l10n.t('Created {0}', facts.runs.map(({ id }) => id).join(', ')));
  }

  async claim(target?: RunTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const named = target && this.#find(target);
    const model = named?.model ?? (await this.acting.folder(vscode.l10n.t('Claim from where?')));
    if (!model) return;
    const facts = await this.acting.ask(model, { what: 'Claim run' }, ({ store }) =>
      store.submit({ kind: 'run.claim', ...(named ? { run: named.run.id } : {}) }),
    );
    if (!facts) return;
    this.claimed.add(facts.run.id, model.folder, facts.token);
    mention(vscode.l10n.t('You work on {0}', nameOf(facts.run)));
  }

  async complete(target?: RunTarget): Promise<void> {
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Complete which run?'),
      none: vscode.l10n.t('This window has claimed no run that could be completed.'),
      may: ({ complete }) => complete,
    });
    const token = chosen && this.claimed.token(chosen.run.id);
    if (!chosen || token === undefined) return;
    const { id } = chosen.run;
    await this.#act(chosen, 'Complete run', ({ store }) =>
      store.submit({ kind: 'run.complete', run: id, token }),
    );
  }

  async fail(target?: RunTarget): Promise<void> {
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Fail which run?'),
      none: vscode.l10n.t('This window has claimed no run that could fail.'),
      may: ({ complete }) => complete,
    });
    const token = chosen && this.claimed.token(chosen.run.id);
    if (!chosen || token === undefined) return;
    const message = await vscode.window.showInputBox({
      title: vscode.l10n.t('Fail {0}', nameOf(chosen.run)),
      prompt: vscode.l10n.t('What went wrong? It is kept with the run.'),
      validateInput: (value) =>
        value.trim() === '' ? vscode.l10n.t('A reason is needed.') : undefined,
    });
    if (message === undefined) return;
    const { id } = chosen.run;
    await this.#act(chosen, 'Fail run', ({ store }) =>
      store.submit({ kind: 'run.fail', run: id, token, error: { message } }),
    );
  }

  async cancel(target?: RunTarget): Promise<void> {
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Cancel which run?'),
      none: vscode.l10n.t('No run is queued or running.'),
      may: ({ cancel }) => cancel,
    });
    if (!chosen) return;
    const { id } = chosen.run;
    const facts = await this.#act(chosen, 'Cancel run', ({ store }) =>
      store.submit({ kind: 'run.cancel', run: id }),
    );
    if (facts && !facts.ended) mention(vscode.l10n.t('{0} was asked to stop', id));
  }

  async kill(target?: RunTarget): Promise<void> {
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Kill which run?'),
      none: vscode.l10n.t('No run is queued or running.'),
      may: ({ kill }) => kill,
    });
    if (!chosen) return;
    const reason = await vscode.window.showInputBox({
      title: vscode.l10n.t('Kill {0}', nameOf(chosen.run)),
      prompt: vscode.l10n.t('Why? It may be left empty, and is kept with the run.'),
    });
    if (reason === undefined) return;
    const { id } = chosen.run;
    await this.#act(chosen, 'Kill run', ({ store }) =>
      store.submit({
        kind: 'run.kill',
        run: id,
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      }),
    );
  }

  async retry(target?: RunTarget): Promise<void> {
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Retry which run?'),
      none: vscode.l10n.t('No run has ended without being completed.'),
      may: ({ retry }) => retry,
    });
    if (!chosen) return;
    const { id } = chosen.run;
    await this.#act(chosen, 'Retry run', ({ store }) =>
      store.submit({ kind: 'run.retry', run: id }),
    );
  }

  async copyId(target?: RunTarget): Promise<void> {
    await this.#copy(target, vscode.l10n.t('Copy the id of which run?'), ({ run }) => run.id);
  }

  async copyLink(target?: RunTarget): Promise<void> {
    await this.#copy(target, vscode.l10n.t('Copy the link of which run?'), ({ run }) =>
      linkTo(run.id),
    );
  }

  async copySummary(target?: RunTarget): Promise<void> {
    await this.#copy(target, vscode.l10n.t('Copy the summary of which run?'), ({ run }) =>
      summaryOf(run),
    );
  }

  /** What a target names, as it is now. */
  #find(target: RunTarget): Chosen | undefined {
    if ('run' in target) {
      const model = this.model.folder(target.folder);
      const run = model?.view.allRuns.get(target.run);
      return model && run && { model, run };
    }
    const located = this.model.workflow(target.path);
    const id = located?.workflow.id;
    const run = id ? located.model.view.runs.get(id)?.get(target.task) : undefined;
    return located && run && { model: located.model, run };
  }

  async #choose(
    target: RunTarget | undefined,
    {
      title,
      none,
      may,
    }: {
      readonly title: string;
      readonly none: string;
      readonly may: (actions: RunActions) => boolean;
    },
  ): Promise<Chosen | undefined> {
    if (!(await this.acting.allowed())) return undefined;
    // What was named is asked for, also when it is too late: the refusal says how it stands.
    const named = target && this.#find(target);
    if (named) return named;
    const legal = this.#all().filter(({ model, run }) =>
      may(runActions(run, model.view, this.claimed)),
    );
    if (legal.length === 0) {
      this.acting.explanations.nothing(none);
      return undefined;
    }
    return pickOne(legal, title);
  }

  /** Those under way first, then the newest. A store that two folders share counts once. */
  #all(): Chosen[] {
    const stores = new Map(
      [...this.model.folders].reverse().map((model) => [model.place.storeFolder, model]),
    );
    const all = [...stores.values()]
      .reverse()
      .flatMap((model) =>
        [...model.view.allRuns.values()].reverse().map((run) => ({ model, run })),
      );
    const order: readonly RunRow['status'][] = ['running', 'queued'];
    const rank = ({ run }: Chosen): number => (order.indexOf(run.status) + 3) % 3;
    return all.sort((one, other) => rank(one) - rank(other));
  }

  #act<Facts>(
    { model }: Chosen,
    what: string,
    work: (tools: FolderTools) => Promise<Answer<Facts>>,
  ): Promise<Facts | undefined> {
    return this.acting.ask(model, { what }, work);
  }

  async #copy(
    target: RunTarget | undefined,
    title: string,
    text: (chosen: Chosen) => string,
  ): Promise<void> {
    await this.model.ready;
    const named = target && this.#find(target);
    const all = named ? [] : this.#all();
    if (!named && all.length === 0) {
      this.acting.explanations.nothing(vscode.l10n.t('There is no run yet.'));
      return;
    }
    const chosen = named ?? (await pickOne(all, title));
    if (!chosen) return;
    await vscode.env.clipboard.writeText(text(chosen));
    mention(vscode.l10n.t('Copied'));
  }

  /* ---------------------------------------------------------------- a new run */

  async #newRun(target: WorkflowTarget | TaskTarget | undefined): Promise<Wanted | undefined> {
    const all = this.model.workflows.filter(({ workflow }) => workflow.valid);
    const located = all.find(({ workflow }) => workflow.path === target?.path);
    if (located && target && 'task' in target) {
      const found = tasksOf(located).find(({ task }) => task.id === target.task);
      return found && forTask(found);
    }
    const free = { label: `$(add) ${vscode.l10n.t('A run without a task…')}`, found: undefined };
    const items = (located ? [located] : all)
      .flatMap(tasksOf)
      .filter(needsRun)
      .map((found) => ({
        label: plainIcons(plain(found.task.id)),
        description: plainIcons(plain(found.task.description)),
        detail: `${plainIcons(plain(found.workflow.name))} · ${lookOfTask(found.task).word}`,
        found,
      }));
    const picked = await vscode.window.showQuickPick([free, ...items], {
      title: vscode.l10n.t('A run of which task?'),
      matchOnDescription: true,
    });
    if (!picked) return undefined;
    return picked.found ? forTask(picked.found) : this.#freeRun(located?.model);
  }

  async #freeRun(given: FolderModel | undefined): Promise<Wanted | undefined> {
    const model = given ?? (await this.acting.folder(vscode.l10n.t('A run in which folder?')));
    if (!model) return undefined;
    const title = await vscode.window.showInputBox({
      title: vscode.l10n.t('Create Run'),
      prompt: vscode.l10n.t('What is to be done?'),
      validateInput: (value) =>
        value.trim() === '' ? vscode.l10n.t('A run needs a title.') : undefined,
    });
    return title === undefined
      ? undefined
      : { model, command: { kind: 'run.create', title: title.trim() } };
  }
}

interface FoundTask extends Located {
  readonly wave: WaveOverview;
  readonly task: TaskOverview;
}

function tasksOf(located: Located): FoundTask[] {
  return located.workflow.waves.flatMap((wave) =>
    wave.tasks.map((task) => ({ ...located, wave, task })),
  );
}

/** At most one live run for a task. */
function needsRun({ task: { status, run } }: FoundTask): boolean {
  return status !== 'done' && run?.status !== 'queued' && run?.status !== 'running';
}

interface Wanted {
  readonly model: FolderModel;
  readonly command: CreateRuns;
}

function forTask(found: FoundTask): Wanted | undefined {
  const command = taskRuns(found).of(found.task.id);
  return command && { model: found.model, command };
}

/** Nobody looks through thousands; whoever knows the id finds it in the tree. */
const mostOffered = 500;

async function pickOne(among: readonly Chosen[], title: string): Promise<Chosen | undefined> {
  const items = among.slice(0, mostOffered).map(asItem);
  const picked = await vscode.window.showQuickPick(items, {
    title,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return picked?.chosen;
}

function asItem(chosen: Chosen): vscode.QuickPickItem & { readonly chosen: Chosen } {
  const { run } = chosen;
  const look = runLook(run.status);
  return {
    label: `$(${look.icon}) ${plainIcons(nameOf(run))}`,
    description: [look.word, ...runDetails(run).map((detail) => plainIcons(plain(detail)))].join(
      ' · ',
    ),
    detail: run.id,
    chosen,
  };
}

export function nameOf(run: RunRow): string {
  return plain(run.task === null ? run.title : `${run.task}: ${run.title}`);
}

/** Opens VS Code at the run, also from outside of it. */
export function linkTo(run: RunId): string {
  return `${vscode.env.uriScheme}://wavelock.wavelock/run/${run}`;
}

/** For people, in a message or an issue. */
export function summaryOf(run: RunRow): string {
  const { startedAt, endedAt } = run;
  const seconds =
    startedAt === null ? undefined : Math.round(((endedAt ?? Date.now()) - startedAt) / 1_000);
  const line = (name: string, value: string | null | undefined): string[] =>
    value === null || value === undefined || value === ''
      ? []
      : [`${name}: ${plain(value, 2_000)}`];
  return [
    `${nameOf(run)} (${run.id})`,
    ...line(vscode.l10n.t('Status'), runLook(run.status).word),
    ...line(
      vscode.l10n.t('Workflow'),
      run.workflow === null
        ? null
        : run.wave === null
          ? run.workflow
          : `${run.workflow}, ${vscode.l10n.t('Wave {0}', run.wave)}`,
    ),
    ...line(vscode.l10n.t('Attempt'), `${run.attempt}/${Math.max(run.attempt, run.maxAttempts)}`),
    ...line(vscode.l10n.t('Agent'), run.claim?.agent),
    ...line(vscode.l10n.t('Took'), seconds === undefined ? null : vscode.l10n.t('{0} s', seconds)),
    ...line(vscode.l10n.t('Error'), run.error?.message),
    ...line(vscode.l10n.t('Reason'), run.reason),
    ...line(vscode.l10n.t('Result'), run.result === null ? null : JSON.stringify(run.result)),
    ...line(vscode.l10n.t('Handoff note'), run.handoff),
    ...run.links.flatMap(({ kind, target }) => line(kind, target)),
  ].join('\n');
}
