/** Faults, as hosts and threads tell them apart from everything else that can be thrown. */
import assert from 'node:assert/strict';
import { isFaultCode, isStoreError, StoreError } from '../../src/core/errors';

describe('Faults', () => {
  it('carry their code, their cause, and a name', () => {
    const cause = new Error('ENOSPC');
    const fault = new StoreError('store_full', 'The disk is full.', { cause });
    assert.deepEqual(
      [fault.name, fault.code, fault.message, fault.cause],
      ['StoreError', 'store_full', 'The disk is full.', cause],
    );
    assert.ok(isStoreError(fault));
  });

  it('are known by their code, also when another bundle has made them', () => {
    assert.ok(isStoreError(Object.assign(new Error('full'), { code: 'store_full' })));
    assert.ok(!isStoreError(Object.assign(new Error('no such file'), { code: 'ENOENT' })));
    assert.ok(!isStoreError(new Error('store_full')));
    assert.ok(!isStoreError({ code: 'store_full' }));
    assert.ok(!isStoreError(undefined));
    assert.ok(!isFaultCode('bad_input'));
  });
});
