/** What the panel asks for, answered one by one. A refusal is an answer with its sentence; a fault is thrown. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Answer, LockRow, RunId, RunRow, StoredEvent, TaskId } from '../core/model';
import { plain } from '../shared/plainText';
import type { EventPage, HostRequest, PanelEvidence, RunDetails } from '../shared/protocol';
import { liveness, thisBoot } from '../store/hostClock';
import { relativeTo } from '../store/place';
import type { AdvanceWave } from './advanceWave';
import { runCommand } from './commands';
import type { FolderModel, FolderTools } from './folderModel';
import { exportText } from './panelExport';
import { eventRow, guardMark } from './panelRows';
import { linkTo, summaryOf } from './runCommands';
import type { TakeBack } from './takeBack';
import { taskRuns } from './taskRuns';
import type { Located, WorkspaceModel } from './workspaceModel';

export interface PanelAnswer {
  readonly ok: boolean;
  readonly message?: string;
  readonly data?: unknown;
}

const longText = 20_000;
const done: PanelAnswer = { ok: true };
const no = (message: string): PanelAnswer => ({ ok: false, message });

export class PanelRequests {
  constructor(
    private readonly parts: {
      readonly model: WorkspaceModel;
      readonly advanceWave: AdvanceWave;
      readonly takeBack: TakeBack;
    },
    private readonly moveAside: () => void,
  ) {}

  private get model(): WorkspaceModel {
    return this.parts.model;
  }

  async answer(message: HostRequest): Promise<PanelAnswer> {
    switch (message.type) {
      case 'advance':
        return this.#advance(message);
      case 'takeBack':
        return vscode.workspace.isTrusted
          ? this.parts.takeBack.quietly(message.workflow)
          : this.#untrusted();
      case 'open':
        return this.#open(message);
      case 'run':
        return this.#run(message);
      case 'queue':
        return this.#queue(message);
      case 'task':
        return this.#setTask(message);
      case 'release':
        return this.#onLock(message, ({ resource, worktree }) => ({
          kind: 'lock.release',
          resources: [resource],
          ...placeOf(worktree),
        }));
      case 'break':
        return this.#onLock(message, ({ resource, worktree }) => ({
          kind: 'lock.break',
          resource,
          reason: message.reason,
          ...placeOf(worktree),
        }));
      case 'reveal':
        return this.#reveal(message);
      case 'details':
        return this.#details(message);
      case 'events':
        return this.#events(message);
      case 'copy':
        return this.#copy(message);
      case 'link':
        return this.#followLink(message);
      case 'export':
        return this.#export(message);
      case 'retryStore':
        await this.#lead(message.store)?.retry();
        return done;
      case 'doctor':
        await runCommand('wavelock.runDoctor');
        return done;
      case 'showLog':
        await runCommand('wavelock.showLog');
        return done;
      case 'aside':
        this.moveAside();
        return done;
    }
  }

  /* ---------------------------------------------------------------- workflows and tasks */

  async #advance({ workflow, seen, force }: Of<'advance'>): Promise<PanelAnswer> {
    if (force === undefined) return this.parts.advanceWave.quietly({ path: workflow, seen });
    const located = this.#workflow(workflow);
    return located
      ? answered(await located.model.advance(workflow, { seen, force: { reason: force } }))
      : this.#noWorkflow();
  }

  async #open({ workflow, line, task }: Of<'open'>): Promise<PanelAnswer> {
    const located = this.#workflow(workflow);
    if (!located) return this.#noWorkflow();
    const tasks = located.workflow.waves.flatMap((wave) => wave.tasks);
    const at = line ?? tasks.find(({ id }) => id === task)?.line;
    await runCommand('wavelock.openWorkflowFile', {
      path: workflow,
      ...(at === undefined ? {} : { line: at }),
    });
    return done;
  }

  async #queue({ workflow, task }: Of<'queue'>): Promise<PanelAnswer> {
    const located = this.#workflow(workflow);
    const command = located && taskRuns(located).of(task as TaskId);
    if (!command) return this.#noWorkflow();
    return this.#change(located.model, ({ store }) => store.submit(command));
  }

  async #setTask({ workflow, task, status, seen }: Of<'task'>): Promise<PanelAnswer> {
    const located = this.#workflow(workflow);
    if (!located) return this.#noWorkflow();
    return this.#change(located.model, ({ files }) =>
      files.setTask(workflow, { task: task as TaskId, status, seen }),
    );
  }

  /* ---------------------------------------------------------------- runs */

  async #run({ store, run, action, reason }: Of<'run'>): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    if (!lead) return this.#noStore();
    const why = reason === undefined || reason.trim() === '' ? {} : { reason: reason.trim() };
    return this.#change(lead, (tools) =>
      tools.store.submit({ kind: `run.${action}` as const, run: run as RunId, ...why }),
    );
  }

  async #details({ store, run }: Of<'details'>): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    const row = lead?.view.allRuns.get(run as RunId);
    if (!lead || !row) return no(vscode.l10n.t('There is no such run any more.'));
    const judged = row.status === 'lost' || row.status === 'killed';
    const process = row.claim?.process ?? null;
    const details: RunDetails = {
      title: plain(row.title, longText),
      result: row.result === null ? null : plain(JSON.stringify(row.result), longText),
      error: row.error && plain(row.error.message, longText),
      reason: row.reason === null ? null : plain(row.reason, longText),
      handoff: row.handoff === null ? null : plain(row.handoff, longText),
      links: row.links.map(({ kind, target }) => ({ kind, target: plain(target, 2_000) })),
      epoch: row.epoch,
      timeoutMs: row.timeoutMs,
      process: process && {
        pid: process.pid,
        host: plain(process.host),
        liveness: liveness(process),
        here: process.bootId === thisBoot.bootId,
      },
      evidence: judged ? await evidenceOf(lead, row) : null,
    };
    return { ok: true, data: details };
  }

  async #copy({ store, run, what }: Of<'copy'>): Promise<PanelAnswer> {
    const row = this.#lead(store)?.view.allRuns.get(run as RunId);
    if (!row) return no(vscode.l10n.t('There is no such run any more.'));
    const text = { id: row.id, link: linkTo(row.id), summary: summaryOf(row) }[what];
    await vscode.env.clipboard.writeText(text);
    return done;
  }

  async #followLink({ store, run, target }: Of<'link'>): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    const row = lead?.view.allRuns.get(run as RunId);
    // Only what the run itself names: the panel gets no way to open anything else.
    const link = row?.links.find((it) => plain(it.target, 2_000) === target);
    if (!lead || !link) return no(vscode.l10n.t('There is no such link any more.'));
    if (/^https?:/i.test(link.target)) {
      await vscode.env.openExternal(vscode.Uri.parse(link.target, true));
      return done;
    }
    return openInside(lead, link.target);
  }

  /* ---------------------------------------------------------------- locks and events */

  async #onLock(
    { store, lock }: Of<'release'> | Of<'break'>,
    command: (
      row: LockRow,
    ) => Parameters<FolderTools['store']['submit']>[0] & { kind: 'lock.release' | 'lock.break' },
  ): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    const row = lead && [...lead.view.locks.values()].find(({ id }) => id === lock);
    if (!row) return no(vscode.l10n.t('This lock is gone already.'));
    return this.#change(lead, (tools) => tools.store.submit(command(row)));
  }

  async #reveal({ store, lock }: Of<'reveal'>): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    if (!lead) return this.#noStore();
    if (lock.startsWith(guardMark)) {
      const guard = lead.view.guards.get(lock.slice(guardMark.length));
      return guard ? openInside(lead, guard.file) : no(vscode.l10n.t('This lock is gone already.'));
    }
    const row = [...lead.view.locks.values()].find(({ id }) => id === lock);
    if (row?.kind !== 'path' && row?.kind !== 'symbol')
      return no(vscode.l10n.t('This lock names no single file.'));
    return openInside(lead, row.anchor);
  }

  async #events({ store, before, limit }: Of<'events'>): Promise<PanelAnswer> {
    const lead = this.#lead(store);
    if (!lead) return this.#noStore();
    const most = Math.max(1, Math.min(limit, 1_000));
    const end = Math.min(before, lead.view.seq + 1);
    const after = Math.max(0, end - 1 - most);
    const read = end <= 1 ? [] : await lead.readStore('events', { after, limit: most });
    if (!read) return no(vscode.l10n.t('The store is not open.'));
    const page: EventPage = {
      events: read.filter(({ seq }) => seq < end).map(eventRow),
      from: after === 0 ? 0 : after + 1,
    };
    return { ok: true, data: page };
  }

  /* ---------------------------------------------------------------- taking it elsewhere */

  async #export(message: Of<'export'>): Promise<PanelAnswer> {
    const { format, store, workflow, tasks, runs } = message;
    const lead = this.#lead(store);
    if (!lead) return this.#noStore();
    const located = workflow === null ? undefined : this.#workflow(workflow);
    const plan = located?.model.files.find(({ path }) => path === workflow)?.document.plan ?? null;
    const shownTasks = new Set(tasks);
    const shownRuns = new Set(runs);
    const content = exportText(format, {
      workflow: plan && {
        id: plan.id,
        name: plan.name,
        wave: plan.wave,
        waveCount: plan.waveCount,
      },
      tasks: (plan?.waves ?? []).flatMap((wave) =>
        wave.tasks
          .filter(({ id }) => shownTasks.has(id))
          .map((task) => ({ ...task, wave: wave.number })),
      ),
      runs: [...lead.view.allRuns.values()].filter(({ id }) => shownRuns.has(id)),
    });
    const language = { json: 'json', csv: 'plaintext', markdown: 'markdown', mermaid: 'plaintext' };
    const document = await vscode.workspace.openTextDocument({
      content,
      language: language[format],
    });
    await vscode.window.showTextDocument(document);
    return done;
  }

  /* ---------------------------------------------------------------- who is meant */

  #lead(store: string): FolderModel | undefined {
    return this.model.folders.find(({ place }) => place.storeFolder === store);
  }

  #workflow(path: string): Located | undefined {
    return this.model.workflow(path);
  }

  #noStore(): PanelAnswer {
    return no(vscode.l10n.t('The folder of this store is not open any more.'));
  }

  #noWorkflow(): PanelAnswer {
    return no(vscode.l10n.t('The workflow file is not there any more, or reads otherwise.'));
  }

  #untrusted(): PanelAnswer {
    return no(vscode.l10n.t('This workspace is not trusted, so Wavelock changes nothing in it.'));
  }

  async #change(
    model: FolderModel,
    work: (tools: FolderTools) => Promise<Answer<unknown>>,
  ): Promise<PanelAnswer> {
    if (!vscode.workspace.isTrusted) return this.#untrusted();
    return answered(await model.change(work));
  }
}

type Of<Type extends HostRequest['type']> = Extract<HostRequest, { type: Type }>;

function answered(answer: Answer<unknown>): PanelAnswer {
  return answer.ok ? done : no(answer.refusal.message);
}

function placeOf(worktree: string | null): {
  readonly worktree: string;
  readonly shared?: boolean;
} {
  return worktree === null ? { worktree: '', shared: true } : { worktree };
}

/** A file of the worktree; what leads out of it is not opened. */
async function openInside({ place }: FolderModel, path: string): Promise<PanelAnswer> {
  const absolute = join(place.root, path);
  if (relativeTo(place, absolute) === undefined)
    return no(vscode.l10n.t('This lies outside of the workspace.'));
  await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(absolute));
  return done;
}

/** Times in the order of events are about right; the event itself is recognised by its run. */
const clockSlackMs = 5_000;
const searchPage = 250;
const searchPages = 8;

/** The event that ended a run says on what evidence; it is found by its time, in a few reads however long the log is. */
async function evidenceOf(model: FolderModel, run: RunRow): Promise<PanelEvidence | null> {
  const endedAt = run.endedAt;
  if (endedAt === null) return null;
  const readAfter = async (after: number, limit: number): Promise<readonly StoredEvent[]> =>
    (await model.readStore('events', { after, limit })) ?? [];
  let low = 0;
  let high = model.view.seq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [event] = await readAfter(middle, 1);
    if (event && event.at < endedAt - clockSlackMs) low = middle + 1;
    else high = middle;
  }
  for (let page = 0; page < searchPages; page += 1) {
    const events = await readAfter(low, searchPage);
    for (const event of events) {
      if (event.run !== run.id || (event.kind !== 'run.lost' && event.kind !== 'run.killed'))
        continue;
      const { evidence } = event.data;
      return evidence
        ? { ...evidence, host: plain(evidence.host), observer: plain(evidence.observer) }
        : null;
    }
    const last = events.at(-1);
    if (!last || last.at > endedAt + clockSlackMs) return null;
    low = last.seq;
  }
  return null;
}
