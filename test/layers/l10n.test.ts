/** Every text that the extension says is in the bundle, and in each language that we speak. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lacking, textsOf } from '../../scripts/l10n.mjs';

describe('translations', () => {
  it('are complete: `npm run l10n` says what to do', () => {
    assert.deepEqual(lacking('.'), []);
    assert.ok(textsOf('.').texts.size > 100);
  });

  describe('the check finds', () => {
    let root = '';
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'wavelock-l10n-'));
      for (const folder of ['src', 'webview', 'l10n']) mkdirSync(join(root, folder));
      for (const file of ['package.nls.json', 'package.nls.de.json'])
        cpSync(file, join(root, file));
    });
    afterEach(() => {
      rmSync(root, { recursive: true });
    });

    function found(source: string, english: object, german: object): readonly string[] {
      writeFileSync(join(root, 'src/one.ts'), source);
      writeFileSync(join(root, 'l10n/bundle.l10n.json'), JSON.stringify(english));
      writeFileSync(join(root, 'l10n/bundle.l10n.de.json'), JSON.stringify(german));
      return lacking(root);
    }

    it('nothing where all is there', () => {
      const source = "vscode.l10n.t('Wave {0}', 1);";
      assert.deepEqual(found(source, { 'Wave {0}': 'Wave {0}' }, { 'Wave {0}': 'Welle {0}' }), []);
    });

    it('a text that nobody has put into the bundle', () => {
      assert.match(found("l10n.t('New');", {}, {}).join(), /bundle\.l10n\.json lacks “New”/);
    });

    it('one that nobody says any more', () => {
      assert.match(
        found('', { Old: 'Old' }, { Old: 'Alt' }).join(),
        /has “Old”, which nobody says/,
      );
    });

    it('a translation that leaves a place out', () => {
      const english = { 'Wave {0}': 'Wave {0}' };
      const said = found("l10n.t('Wave {0}', 1);", english, { 'Wave {0}': 'Welle' });
      assert.match(said.join(), /other places to fill/);
    });

    it('a text that is put together while the program runs', () => {
      assert.match(found('l10n.t(`Wave ${1}`);', {}, {}).join(), /not written out/);
    });
  });
});
