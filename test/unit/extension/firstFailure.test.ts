import assert from 'node:assert/strict';
import type { StoreCheck } from '../../../src/core/store/objectStore';
import { firstFailure } from '../../../src/extension/ui/firstFailure';

const check = (detail: string, ok: boolean, code: StoreCheck['code'] = null): StoreCheck => ({
  check: 'read',
  ok,
  detail,
  code,
});

describe('the failure of a store that is told', () => {
  it('is the first that has a reason, not what was left out for it', () => {
    const untried = check('Not tried: there is no object to read.', false);
    const refused = check('No right to write.', false, 'STORE_REFUSED');
    assert.equal(firstFailure([check('fine', true), untried, refused]), 'No right to write.');
    assert.equal(firstFailure([check('fine', true), untried]), untried.detail);
    assert.equal(firstFailure([check('fine', true)]), '');
  });
});
