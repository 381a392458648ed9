/** Whether a workflow may go on to its next wave, and what to tell people when not. Pure. */
import type { PanelStore, PanelWorkflow } from '../src/shared/protocol';
import { l10n } from './l10n';
import type { Count } from './scope';

export interface Advance {
  readonly off: boolean;
  readonly glyph: 'info' | 'warning';
  readonly reason: string;
  /** Tasks keep it from going on: they can be shown. */
  readonly blockers: boolean;
}

export type Asked =
  { readonly state: 'pending' } | { readonly state: 'refused'; readonly why: string };

/** The host decides; this only spares a person a request that is sure to be refused. */
export function mayAdvance(
  workflow: PanelWorkflow,
  store: PanelStore | undefined,
  count: Count | undefined,
  asked: Asked | undefined,
): Advance {
  const no = (reason: string, glyph: Advance['glyph'] = 'info', blockers = false): Advance => ({
    off: true,
    glyph,
    reason,
    blockers,
  });
  const state = store?.state ?? 'opening';
  if (state === 'failed') return no(l10n.t('Writes are off: the store failed'), 'warning');
  if (state === 'untrusted') return no(l10n.t('Writes are off: this workspace is not trusted'));
  if (state === 'opening' || state === 'none') return no(l10n.t('The store is still opening'));
  const { file, errors, wave, waveCount } = workflow;
  if (errors.length > 0) {
    return no(
      errors.length === 1
        ? l10n.t('{0} has 1 error; nothing is advanced until it is fixed', file)
        : l10n.t(
            '{0} has {1} errors; nothing is advanced until they are fixed',
            file,
            errors.length,
          ),
      'warning',
    );
  }
  if (workflow.completed) return no(l10n.t('The workflow is completed'));
  if (asked?.state === 'pending') return no(l10n.t('Advancing…'));
  const open = count?.blockers ?? 0;
  if (wave > 0 && count && open > 0) return no(whyOpen(wave, open, count), 'info', true);
  if (asked) return { off: false, glyph: 'warning', reason: asked.why, blockers: false };
  const all = count?.tasks ?? 0;
  const yes = (reason: string): Advance => ({ off: false, glyph: 'info', reason, blockers: false });
  if (wave === 0) return yes(l10n.t('Starts wave 1'));
  if (all === 0) return yes(l10n.t('Nothing in wave {0} is left to do', wave));
  if (wave >= waveCount)
    return yes(l10n.t('All of the last wave is completed; advancing completes the workflow'));
  return yes(
    all === 1
      ? l10n.t('The one task of wave {0} is completed', wave)
      : l10n.t('All {0} tasks of wave {1} are completed', all, wave),
  );
}

function whyOpen(wave: number, open: number, { open: by, unticked }: Count): string {
  const parts = [
    by.active > 0 ? l10n.t('{0} running', by.active) : '',
    by.waiting > 0 ? l10n.t('{0} waiting', by.waiting) : '',
    by.attention === 1
      ? l10n.t('1 needs attention')
      : by.attention > 0
        ? l10n.t('{0} need attention', by.attention)
        : '',
    unticked > 0 ? l10n.t('{0} not ticked in the file', unticked) : '',
  ].filter(Boolean);
  return open === 1
    ? l10n.t('1 task of wave {0} is not completed: {1}', wave, parts.join(', '))
    : l10n.t('{0} tasks of wave {1} are not completed: {2}', open, wave, parts.join(', '));
}
