/** One of the processes of a drain: claims and completes in so many lanes until nothing is left. */
import { createContestant } from './contestants';
import type { DrainJob, DrainReport } from './drain';
import { now, work } from './workshop';

work(async (job: DrainJob) => {
  const contestant = await createContestant(job);
  return async (): Promise<DrainReport> => {
    const claimed: string[] = [];
    const claims: number[] = [];
    const completions: number[] = [];
    const begun = now();
    let ended = begun;
    const lane = async (): Promise<void> => {
      for (;;) {
        const asked = now();
        const claim = await contestant.claim();
        claims.push(now() - asked);
        if (claim === undefined) return;
        claimed.push(claim.id);
        const completing = now();
        await claim.complete();
        ended = now();
        completions.push(ended - completing);
      }
    };
    await Promise.all(Array.from({ length: job.lanes }, lane));
    await contestant.close();
    return { claimed, claims, completions, begun, ended };
  };
});
