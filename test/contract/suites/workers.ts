export function describeWorkers(_company: unknown): void {}
