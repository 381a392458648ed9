/** Everything the graph says, in one place so that it can be localised later. */

const digits = new Intl.NumberFormat('en');
const counted = (count: number, one: string, many: string) =>
  `${digits.format(count)} ${count === 1 ? one : many}`;

export const graphWords = {
  graph: 'Run graph',
  help: 'Arrow keys move to the next run, Enter opens its details, plus and minus zoom, 0 fits the graph, T shows it as a tree.',
  number: (value: number | null) => (value === null ? '' : digits.format(value)),
  wave: (wave: number | null) => (wave === null ? 'No wave' : `Wave ${digits.format(wave)}`),
  waveRow: (wave: number | null, name: string | undefined) =>
    `${graphWords.wave(wave)}${name === undefined ? '' : ` ${name}`}`,
  current: 'Current',
  share: (completed: number, all: number) => `${digits.format(completed)}/${digits.format(all)}`,
  columns: { run: 'Run', state: 'State', agent: 'Agent', needs: 'Needs', holdsUp: 'Holds up' },
  noAgent: 'no agent',
  runs: (count: number) => counted(count, 'run', 'runs'),
  needs: (count: number) => (count === 0 ? 'needs none' : `needs ${digits.format(count)}`),
  holdsUp: (count: number) => (count === 0 ? 'holds up none' : `holds up ${digits.format(count)}`),
  selected: 'selected',
  legend: { needs: 'needs', holdsUp: 'holds up' },
  zoom: 'Zoom',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  fit: 'Fit graph',
  tree: 'Show as tree',
  percent: (zoom: number) => `${Math.round(100 * zoom)}%`,
  overview: 'Overview of the graph',
  empty: {
    title: 'No runs to draw',
    note: 'Each run appears here under its wave, linked to the runs that it needs.',
  },
} as const;
