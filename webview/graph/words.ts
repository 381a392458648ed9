/** Everything the graph says, in one place, and read anew each time: the language comes after the script. */
import { l10n, number } from '../l10n';

export const graphWords = {
  get graph() {
    return l10n.t('Run graph');
  },
  get help() {
    return l10n.t(
      'Arrow keys move to the next run, Enter opens its details, plus and minus zoom, 0 fits the graph, T shows it as a tree.',
    );
  },
  number: (value: number | null) => (value === null ? '' : number(value)),
  wave: (wave: number | null) => (wave === null ? l10n.t('No wave') : l10n.t('Wave {0}', wave)),
  waveRow: (wave: number | null, name: string | undefined) =>
    `${graphWords.wave(wave)}${name === undefined ? '' : ` ${name}`}`,
  get current() {
    return l10n.t('Current');
  },
  share: (completed: number, all: number) => `${number(completed)}/${number(all)}`,
  get columns() {
    return {
      run: l10n.t('Run'),
      state: l10n.t('State'),
      agent: l10n.t('Agent'),
      needs: l10n.t('Needs'),
      holdsUp: l10n.t('Holds up'),
    };
  },
  get noAgent() {
    return l10n.t('no agent');
  },
  runs: (count: number) => (count === 1 ? l10n.t('1 run') : l10n.t('{0} runs', count)),
  needs: (count: number) => (count === 0 ? l10n.t('needs none') : l10n.t('needs {0}', count)),
  holdsUp: (count: number) =>
    count === 0 ? l10n.t('holds up none') : l10n.t('holds up {0}', count),
  get selected() {
    return l10n.t('selected');
  },
  get legend() {
    return { needs: l10n.t('needs'), holdsUp: l10n.t('holds up') };
  },
  get zoom() {
    return l10n.t('Zoom');
  },
  get zoomIn() {
    return l10n.t('Zoom in');
  },
  get zoomOut() {
    return l10n.t('Zoom out');
  },
  get fit() {
    return l10n.t('Fit graph');
  },
  get tree() {
    return l10n.t('Show as tree');
  },
  percent: (zoom: number) => `${Math.round(100 * zoom)}%`,
  get overview() {
    return l10n.t('Overview of the graph');
  },
  get empty() {
    return {
      title: l10n.t('No runs to draw'),
      note: l10n.t('Each run appears here under its wave, linked to the runs that it needs.'),
    };
  },
} as const;
