export function describeLocks(_company: unknown): void {}
