/** What a command that does a run is told about it. */
import type { AgentName, ClaimToken, RunRow } from '../core/model';

export type Environment = Readonly<Record<string, string | undefined>>;

/** This process, as far as a command that it runs has to do with it. */
export interface Surroundings {
  readonly env: Environment;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Nothing of a run around this one is passed on. Titles are text of others: quote them. */
export function runnerEnvironment(
  env: Environment,
  { run, token, agent }: { run: RunRow; token: ClaimToken; agent: AgentName },
): Environment {
  return {
    ...env,
    WAVELOCK_RUN: run.id,
    WAVELOCK_TOKEN: token,
    WAVELOCK_AGENT: agent,
    WAVELOCK_TITLE: run.title,
    WAVELOCK_ATTEMPT: String(run.attempt),
    WAVELOCK_WORKFLOW: run.workflow ?? undefined,
    WAVELOCK_TASK: run.task ?? undefined,
    WAVELOCK_WAVE: run.wave === null ? undefined : String(run.wave),
  };
}
