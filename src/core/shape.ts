/**
 * What JSON that comes back from the disk has to look like. A shape is a function and takes next to nothing to make; a
 * schema that can explain itself takes longer than a transaction, and a call of the command line needs dozens of
 * them. What comes from people and programs that we do not know is told more: see `commandCodec.ts`.
 */

export interface Misfit {
  /** From the outermost to the innermost; empty for the value itself. */
  readonly path: readonly string[];
  readonly wanted: string;
}

/** Undefined where the value fits. */
export type Shape = (value: unknown) => Misfit | undefined;

const leaf =
  (wanted: string, fits: (value: unknown) => boolean): Shape =>
  (value) =>
    fits(value) ? undefined : { path: [], wanted };

export const text = leaf('a text', (value) => typeof value === 'string');
export const number = leaf('a number', Number.isFinite);
export const whole = leaf('a whole number', Number.isSafeInteger);
export const positive = leaf(
  'a number from 0',
  (value) => Number.isFinite(value) && Number(value) >= 0,
);
/** Whatever JSON it is: looking into it would go as deep as a damaged row says. */
export const present = leaf('anything', (value) => value !== undefined);

export const oneOf = (...values: readonly (string | number | boolean)[]): Shape =>
  leaf(values.join(' or '), (value) => (values as readonly unknown[]).includes(value));

export const nullable =
  (shape: Shape): Shape =>
  (value) =>
    value === null ? undefined : shape(value);

export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined ? undefined : shape(value);

export const list =
  (shape: Shape): Shape =>
  (value) => {
    if (!Array.isArray(value)) return { path: [], wanted: 'a list' };
    for (const [index, member] of value.entries()) {
      const misfit = shape(member);
      if (misfit) return within(String(index), misfit);
    }
    return undefined;
  };

/** With these members; what a newer version has added stays as it is. */
export function object(members: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(members);
  return (value) => {
    if (!isRecord(value)) return { path: [], wanted: 'an object' };
    for (const [key, shape] of entries) {
      const misfit = shape(value[key]);
      if (misfit) return within(key, misfit);
    }
    return undefined;
  };
}

/** The first that fits; what does not fit the last is told. */
export const either =
  (...shapes: readonly Shape[]): Shape =>
  (value) => {
    let misfit: Misfit | undefined;
    for (const shape of shapes) {
      misfit = shape(value);
      if (!misfit) return undefined;
    }
    return misfit;
  };

/** One of several objects, by what its `kind` says. */
export function byKind(shapes: Readonly<Record<string, Shape>>): Shape {
  const kind = object({ kind: oneOf(...Object.keys(shapes)) });
  return (value) => kind(value) ?? shapes[(value as { readonly kind: string }).kind]?.(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const within = (key: string, { path, wanted }: Misfit): Misfit => ({
  path: [key, ...path],
  wanted,
});
