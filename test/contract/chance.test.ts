/** Digests and chance without `node:crypto`: the same as with it. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chance, plainSha256, sha256 } from '../../src/store/chance';

const native = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

describe('chance and digests', () => {
  it('a digest is that of node:crypto, at every length around the edges of blocks', () => {
    for (let length = 0; length <= 300; length += 1) {
      const bytes = randomBytes(length);
      assert.equal(plainSha256(bytes).toString('hex'), native(bytes), String(length));
    }
    const long = randomBytes(100_003);
    assert.equal(plainSha256(long).toString('hex'), native(long));
  });

  it('parts are digested one after another, and go over to node:crypto unnoticed', () => {
    for (let round = 0; round < 40; round += 1) {
      const bytes = randomBytes(5_000);
      assert.equal(sha256('ünï', bytes, '').toString('hex'), native('ünï', bytes, ''));
    }
  });

  it('is drawn whole: nothing of a pool is handed out twice, and no zeros stand in for it', () => {
    for (let draw = 0; draw < 200; draw += 1) {
      const bytes = chance(256);
      assert.ok(new Set(bytes).size > 100, bytes.toString('hex'));
    }
  });

  it('no two draws are the same, whatever their lengths', () => {
    const drawn = Array.from({ length: 2_000 }, (_, index) =>
      chance(10 + (index % 13)).toString('hex'),
    );
    assert.equal(new Set(drawn.map((text) => text.slice(0, 20))).size, drawn.length);
    assert.equal(chance(1_000).length, 1_000);
  });
});
