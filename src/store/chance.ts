/**
 * Bytes of chance from the operating system, and digests, without `node:crypto` where that would be loaded for them
 * alone: it takes a fifth as long to load as Node takes to start, and a call of the command line needs 60 bytes of the
 * one and digests of three short texts.
 *
 * Contract: the same bytes and digests as from `node:crypto`. A process that stays soon goes over to it, since it is
 * faster once it is there.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const source = '/dev/urandom';
const hasSource = process.platform === 'linux' || process.platform === 'darwin';
/** Drawn at once. */
const pool = Buffer.alloc(256);
let used = pool.length;

export function chance(bytes: number): Buffer {
  if (bytes > pool.length) return crypto().randomBytes(bytes);
  if (used + bytes > pool.length) {
    draw();
    used = 0;
  }
  const drawn = Buffer.from(pool.subarray(used, used + bytes));
  // A token must not be found again in memory that the next one is read from.
  pool.fill(0, used, used + bytes);
  used += bytes;
  return drawn;
}

/** All of it new, from wherever this system has it: a half-filled pool would give zeros for chance. */
function draw(): void {
  if (!hasSource || !filledFrom(source)) crypto().randomFillSync(pool);
}

/** False where there is no such device, as in a bare container, or it gives too little. */
function filledFrom(device: string): boolean {
  let file: number;
  try {
    file = openSync(device, 'r');
  } catch {
    return false;
  }
  try {
    // A plain file of that name would give the same bytes to everybody.
    return (
      fstatSync(file).isCharacterDevice() &&
      readSync(file, pool, 0, pool.length, null) === pool.length
    );
  } finally {
    closeSync(file);
  }
}

/* ------------------------------------------------------------------ SHA-256 */

/** More than a call of the command line ever hashes. */
const fewBytes = 64 * 1024;
let hashed = 0;

/** Of all parts, one after another; text counts as UTF-8. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  if (hashed > fewBytes) return native(parts);
  const bytes = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  );
  hashed += bytes.length;
  return hashed > fewBytes ? native(parts) : plainSha256(bytes);
}

function native(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = crypto().createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const crypto = () => process.getBuiltinModule('node:crypto');

/**
 * FIPS 180-4. A call of the command line digests some fifty blocks and ends before anything is compiled for speed, so this
 * is written for the interpreter: plain numbers, typed arrays, no calls within a block.
 */
export function plainSha256(bytes: Uint8Array): Buffer {
  const message = padded(bytes);
  const state = Int32Array.from(initial);
  const words = new Int32Array(64);
  for (let offset = 0; offset < message.length; offset += 64)
    digestBlock(message, offset, words, state);
  const digest = Buffer.alloc(32);
  for (let index = 0; index < 8; index += 1) digest.writeInt32BE(state[index] ?? 0, index * 4);
  return digest;
}

/** A one, zeros to the end of a block but eight bytes, and the length in bits. */
function padded(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const end = new DataView(message.buffer, message.length - 8);
  end.setUint32(0, Math.floor(bytes.length / 0x20000000));
  end.setUint32(4, (bytes.length << 3) >>> 0);
  return message;
}

/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is within its array by the bounds of the loops */
function digestBlock(
  message: Uint8Array,
  offset: number,
  words: Int32Array,
  state: Int32Array,
): void {
  for (let index = 0; index < 16; index += 1) {
    const at = offset + index * 4;
    words[index] =
      (message[at]! << 24) | (message[at + 1]! << 16) | (message[at + 2]! << 8) | message[at + 3]!;
  }
  for (let index = 16; index < 64; index += 1) {
    const far = words[index - 15]!;
    const near = words[index - 2]!;
    words[index] =
      (((far >>> 7) | (far << 25)) ^ ((far >>> 18) | (far << 14)) ^ (far >>> 3)) +
      (((near >>> 17) | (near << 15)) ^ ((near >>> 19) | (near << 13)) ^ (near >>> 10)) +
      words[index - 16]! +
      words[index - 7]!;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let index = 0; index < 64; index += 1) {
    const one =
      h +
      (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) +
      (g ^ (e & (f ^ g))) +
      constants[index]! +
      words[index]!;
    const two =
      (((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
      ((a & b) | (c & (a | b)));
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}
/* eslint-enable @typescript-eslint/no-non-null-assertion */

const initial = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
const constants = Int32Array.from([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
