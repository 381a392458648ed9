/** The panel as it is packaged. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';

const mostKilobytes = 300;

describe('the packaged panel', () => {
  it(`its script is smaller than ${mostKilobytes} KB`, () => {
    const { size } = statSync('dist/webview.js');
    console.log(`      ${size} bytes`);
    assert.ok(size < mostKilobytes * 1_000, `${size} bytes`);
  });
});
