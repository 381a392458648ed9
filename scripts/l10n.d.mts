/** Every text with the places where it is said. */
export function textsOf(root: string): {
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly faults: readonly string[];
};

/** What the translations lack, for people to read; nothing when all is complete. */
export function lacking(root: string): readonly string[];

export const languages: readonly string[];
