/** Graphs of any size for tests and benches, the same for the same numbers. */
export interface SomeRun {
  readonly id: string;
  readonly wave: number | null;
  readonly dependsOn: readonly string[];
}

/** Uniform in [0, 1), by a small generator that is the same everywhere. */
export function someNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Size {
  readonly runs: number;
  readonly edges: number;
  readonly waves: number;
  readonly seed?: number;
}

/** Nearly every edge spans one wave or stays in it, as in plans that people write. */
export function someGraph({ runs, edges, waves, seed = 7 }: Size): readonly SomeRun[] {
  const random = someNumbers(seed);
  const upTo = (end: number) => Math.floor(random() * end);
  const perWave = Math.ceil(runs / waves);
  const needs = Array.from({ length: runs }, () => new Set<string>());
  const idOf = (run: number) => `run_${run}`;
  for (let edge = 0, tries = 0; edge < edges && tries < 20 * edges; tries += 1) {
    const target = 1 + upTo(runs - 1);
    const reach = random() < 0.9 ? 1.5 * perWave : target;
    const source = target - 1 - upTo(Math.min(target, Math.max(1, Math.floor(reach))));
    const depthLimited =
      Math.floor(source / perWave) < Math.floor(target / perWave) || target % 7 === 0;
    if (!depthLimited || needs[target]?.has(idOf(source))) continue;
    needs[target]?.add(idOf(source));
    edge += 1;
  }
  return needs.map((dependsOn, run) => ({
    id: idOf(run),
    wave: 1 + Math.floor(run / perWave),
    dependsOn: [...dependsOn],
  }));
}

/** One wave, as many sub-ranks as asked for, each run needing one or two of the rank before. */
export function deepGraph({
  depth,
  abreast,
}: {
  depth: number;
  abreast: number;
}): readonly SomeRun[] {
  return Array.from({ length: depth * abreast }, (_, run) => {
    const rank = Math.floor(run / abreast);
    const before = (rank - 1) * abreast;
    const place = run % abreast;
    const dependsOn =
      rank === 0
        ? []
        : [
            `run_${before + place}`,
            ...(run % 2 === 0 ? [`run_${before + ((place + 3) % abreast)}`] : []),
          ];
    return { id: `run_${run}`, wave: 1, dependsOn };
  });
}
