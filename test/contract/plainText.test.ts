/** Text of strangers on a label. */
import assert from 'node:assert/strict';
import { plain, plainIcons, plainNotice } from '../../src/shared/plainText';

describe('plain text', () => {
  it('shows what a control character is, instead of obeying it', () => {
    assert.equal(plain('a\nb\tc\u0000d\u007Fe\u0085f\u2028g'), 'a␊b␉c␀d␡e\uFFFDf␤g');
    assert.equal(plain('half \uD800 pair'), 'half \uFFFD pair');
  });

  it('takes the power from bidi controls, and isolates what is written from right to left', () => {
    assert.equal(plain('x\u202Egpj.exe'), 'x\uFFFDgpj.exe');
    assert.equal(plain('\u2067a\u2069'), '\uFFFDa\uFFFD');
    assert.equal(plain('שלום 1/2'), '\u2068שלום 1/2\u2069');
    assert.equal(plain('שלום\u2069 out'), '\u2068שלום\uFFFD out\u2069');
  });

  it('ends, however long the text is, and never inside a character', () => {
    assert.equal(plain('x'.repeat(1_000_000)).length, 200);
    assert.equal(plain('🙂'.repeat(300)), `${'🙂'.repeat(199)}…`);
    assert.equal(plain('x'.repeat(200)), 'x'.repeat(200));
    assert.equal(plain('abcdef', 3), 'ab…');
  });

  it('leaves markdown as the characters that it is', () => {
    const text = '**bold** `code` <b>x</b>';
    assert.equal(plain(text), text);
    assert.equal(plainNotice('[go](command:x)'), '[go]\u200B(command:x)');
    assert.equal(plainIcons('$(trash) costs $5'), '\\$(trash) costs $5');
  });
});
