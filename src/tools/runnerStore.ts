/** The store as a program uses it that runs commands: a session under a name, and word of what others commit. */
import type {
  AgentKind,
  AgentName,
  Refusal,
  Seq,
  SessionId,
  StoredEvent,
  WorkflowId,
} from '../core/model';
import { isStoreError } from '../core/errors';
import { defaults } from '../core/rules/limits';
import type { Disposable } from '../shared/lifecycle';
import { hostname } from 'node:os';
import { openLocalStore } from '../store/localStore';
import { newId } from '../store/newId';
import type { Place } from '../store/place';
import type { Store } from '../store/store';
import { WorkflowFiles } from '../store/workflowFiles';
import { named, unknownWorkflow, workflowsIn } from './workflowChoice';
import { locate, underName, type Workplace } from './workplace';

export interface RunnerKind {
  readonly kind: AgentKind;
  /** The name of somebody who gave none; without it, whoever holds something is told to give one. */
  readonly nameless?: (session: SessionId) => string;
  /** Stays, and so has a session and tidies up. */
  readonly resident: boolean;
}

export class RunnerStore {
  #subscription: Disposable | undefined;
  #keeping: Promise<void> | undefined;
  #asked = 0;

  private constructor(
    readonly store: Store,
    readonly folder: string,
    readonly place: Place,
    readonly graceMs: number,
    private readonly warn: (message: string) => void,
  ) {}

  static async open(
    workplace: Workplace,
    { kind, nameless, resident }: RunnerKind,
  ): Promise<RunnerStore> {
    const { folder, place } = locate(workplace);
    const session = newId('ses') as SessionId;
    const host = hostname();
    const store = await underName(workplace, (given) => {
      const agent = given ?? nameless?.(session);
      return openLocalStore({
        place,
        identity: {
          agent: (agent ?? `cli:${host}:${session.slice(4, 10)}`) as AgentName,
          named: agent !== undefined,
          ...{ kind, session, host, pid: process.pid },
        },
        durability: 'full',
        resident,
      });
    });
    for (const { message } of store.warnings) workplace.warn(message);
    try {
      const grace = (await store.read('config', { key: 'grace' }))?.value ?? defaults.grace;
      return new RunnerStore(store, folder, place, Number(grace), workplace.warn);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get agent(): AgentName {
    return this.store.identity.agent;
  }

  /** Every event after that one, in order. */
  follow(from: Seq, listener: (events: readonly StoredEvent[]) => void): void {
    this.#subscription = this.store.subscribe(from, listener);
  }

  /** The id of the workflow that is meant by an id or a file, or why none is. */
  async workflow(wanted: string): Promise<WorkflowId | Refusal> {
    const workflows = await workflowsIn(this, this.store);
    const ids = named(workflows, wanted).map(({ document }) => document.plan?.id);
    const id = ids.find((each) => each !== undefined);
    if (id !== undefined) return id;
    const rows = await this.store.read('workflows', {});
    return rows.find((row) => row.id === wanted)?.id ?? unknownWorkflow(wanted, workflows.found);
  }

  /**
   * Brings the workflow files to what was promised. Whoever asks while that is under way is answered by the next
   * round. What does not succeed is told, and stays promised: others take it over.
   */
  keepPromises(): Promise<void> {
    this.#asked += 1;
    this.#keeping ??= this.#keep();
    return this.#keeping;
  }

  async #keep(): Promise<void> {
    const files = new WorkflowFiles({ place: this.place, store: this.store, now: Date.now });
    for (let answered = 0; answered < this.#asked;) {
      answered = this.#asked;
      try {
        await files.keepPromises();
      } catch (error) {
        if (!isStoreError(error)) throw error;
        this.warn(error.message);
      }
    }
    this.#keeping = undefined;
  }

  async close(): Promise<void> {
    this.#subscription?.dispose();
    await this.store.close();
  }
}
