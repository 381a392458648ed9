/**
 * Draws the part of a graph layout that is seen. Colours and fonts are those that the style sheet gives to the canvas,
 * so themes, high contrast and forced colours reach it like everything else.
 */
import {
  bandHead,
  nodeHeight,
  nodeWidth,
  type GraphLayout,
  type Placed,
  type Rank,
  pitch,
} from './graphLayout';
import { looks, type Bucket } from './states';

export interface NodeLook {
  readonly id: string;
  readonly title: string;
  readonly word: string;
  readonly agent: string;
  readonly bucket: Bucket;
  /** A filter leaves it out: it turns quiet. */
  readonly quiet: boolean;
}

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export interface Scene {
  readonly layout: GraphLayout;
  readonly camera: Camera;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  readonly look: (key: string) => NodeLook | undefined;
  readonly bandTitle: (wave: number) => {
    readonly name: string;
    readonly share: string;
    readonly current: boolean;
  };
  readonly selected: string | null;
  /** The keyboard is on it. */
  readonly focused: string | null;
  readonly needs: ReadonlySet<string>;
  readonly feeds: ReadonlySet<string>;
}

/** Below this a text would be a smear. */
const textFrom = 0.5;
const shapeFrom = 0.12;
/** More edges than this are drawn as straight lines. */
const mostCurves = 1_500;

export interface Palette {
  readonly fg: string;
  readonly dim: string;
  readonly bg: string;
  readonly raised: string;
  readonly recess: string;
  readonly line: string;
  readonly edge: string;
  readonly pick: string;
  readonly focus: string;
  readonly font: string;
  readonly hues: { readonly [Each in Bucket]: string };
  readonly glyphs: { readonly [Each in Bucket]: string };
  readonly contrast: boolean;
}

/** What the style sheet says now. */
export function paletteOf(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--g-${name}`).trim() || style.color;
  const probe = document.createElement('i');
  probe.className = 'probe';
  element.parentElement?.append(probe);
  // Custom properties keep `var()` of undefined tokens as text; a real property resolves everything.
  const resolved = (name: string) => {
    probe.style.color = '';
    probe.style.color = colour(name);
    return getComputedStyle(probe).color;
  };
  const glyphs = {} as Record<Bucket, string>;
  const hues = {} as Record<Bucket, string>;
  for (const bucket of Object.keys(looks) as Bucket[]) {
    probe.className = `codicon codicon-${looks[bucket].glyph} st-${bucket} probe`;
    probe.style.color = '';
    hues[bucket] = getComputedStyle(probe).color;
    glyphs[bucket] = getComputedStyle(probe, '::before').content.replaceAll('"', '');
  }
  probe.className = 'probe';
  const palette: Palette = {
    fg: resolved('fg'),
    dim: resolved('dim'),
    bg: resolved('bg'),
    raised: resolved('raised'),
    recess: resolved('recess'),
    line: resolved('line'),
    edge: resolved('edge'),
    pick: resolved('pick'),
    focus: resolved('focus'),
    font: style.fontFamily,
    hues,
    glyphs,
    contrast:
      document.body.matches('.vscode-high-contrast, .vscode-high-contrast-light') ||
      matchMedia('(forced-colors: active)').matches,
  };
  probe.remove();
  return palette;
}

export function drawGraph(context: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  const { camera, width, height, ratio, layout } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = palette.bg;
  context.fillRect(0, 0, width, height);
  context.setTransform(
    ratio * camera.zoom,
    0,
    0,
    ratio * camera.zoom,
    -ratio * camera.zoom * camera.x,
    -ratio * camera.zoom * camera.y,
  );
  const view: View = {
    left: camera.x,
    top: camera.y,
    right: camera.x + width / camera.zoom,
    bottom: camera.y + height / camera.zoom,
  };
  drawBands(context, scene, palette, view);
  drawEdges(context, scene, palette, view);
  for (const placed of seenNodes(layout, view)) drawNode(context, scene, palette, placed);
}

interface View {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Ranks lie from left to right and nodes in them from top to bottom: those seen are found without looking at others. */
export function* seenNodes(layout: GraphLayout, view: View): Generator<Placed> {
  for (const rank of layout.ranks) {
    if (rank.x > view.right) break;
    yield* seenOfRank(layout, rank, view);
  }
}

function* seenOfRank(layout: GraphLayout, rank: Rank, view: View): Generator<Placed> {
  const rows = Math.ceil(rank.keys.length / rank.columns);
  const from = Math.max(0, Math.floor((view.top - bandHead - nodeHeight) / pitch));
  const to = Math.min(rows - 1, Math.ceil((view.bottom - bandHead) / pitch));
  for (let column = 0; column < rank.columns; column += 1) {
    for (let row = from; row <= to; row += 1) {
      const key = rank.keys[column * rows + row];
      const placed = key === undefined ? undefined : layout.placed.get(key);
      if (placed && placed.x <= view.right && placed.x + nodeWidth >= view.left) yield placed;
    }
  }
}

/** What is under a point of the layout. */
export function nodeAt(layout: GraphLayout, x: number, y: number): string | undefined {
  for (const placed of seenNodes(layout, { left: x, right: x, top: y, bottom: y }))
    if (x >= placed.x && x <= placed.x + nodeWidth && y >= placed.y && y <= placed.y + nodeHeight)
      return placed.key;
  return undefined;
}

function drawBands(
  context: CanvasRenderingContext2D,
  { layout, bandTitle, camera, height }: Scene,
  palette: Palette,
  view: View,
): void {
  const bottom = Math.max(layout.height + 20, camera.y + height / camera.zoom - 12 / camera.zoom);
  for (const band of layout.bands) {
    if (band.x > view.right || band.x + band.width < view.left) continue;
    const { name, share, current } = bandTitle(band.wave);
    context.fillStyle = current ? palette.recess : palette.bg;
    context.strokeStyle = palette.line;
    context.lineWidth = current && palette.contrast ? 2 : 1;
    context.beginPath();
    context.roundRect(band.x + 0.5, 2.5, band.width - 1, bottom - 2, 6);
    context.fill();
    context.stroke();
    if (camera.zoom < textFrom / 2) continue;
    context.textBaseline = 'middle';
    context.font = `${current ? '600 ' : ''}13px ${palette.font}`;
    context.fillStyle = palette.fg;
    const shareWidth = context.measureText(share).width;
    context.fillText(cut(context, name, band.width - shareWidth - 36), band.x + 12, 22);
    context.font = `12px ${palette.font}`;
    context.fillStyle = palette.dim;
    context.textAlign = 'right';
    context.fillText(share, band.x + band.width - 12, 22);
    context.textAlign = 'left';
  }
}

function drawEdges(
  context: CanvasRenderingContext2D,
  scene: Scene,
  palette: Palette,
  view: View,
): void {
  const { layout, camera, selected, needs, feeds } = scene;
  if (camera.zoom < shapeFrom / 4) return;
  const seen: [Placed, Placed][] = [];
  const hot: { readonly ends: [Placed, Placed]; readonly dashed: boolean }[] = [];
  for (const [from, to] of layout.edges) {
    const one = layout.placed.get(from);
    const other = layout.placed.get(to);
    if (!one || !other) continue;
    const left = Math.min(one.x + nodeWidth, other.x);
    const right = Math.max(one.x + nodeWidth, other.x);
    if (right < view.left || left > view.right) continue;
    const top = Math.min(one.y, other.y);
    const bottom = Math.max(one.y, other.y) + nodeHeight;
    if (bottom < view.top || top > view.bottom) continue;
    const up = (to === selected || needs.has(to)) && needs.has(from);
    const down = (from === selected || feeds.has(from)) && feeds.has(to);
    if (up || down) hot.push({ ends: [one, other], dashed: down });
    else seen.push([one, other]);
  }
  const curved = seen.length <= mostCurves && camera.zoom >= shapeFrom;
  context.lineWidth = 1 / Math.max(0.5, Math.min(1, camera.zoom));
  context.strokeStyle = palette.edge;
  context.setLineDash([]);
  context.beginPath();
  for (const [one, other] of seen) trace(context, one, other, curved);
  context.stroke();
  if (curved && camera.zoom >= textFrom) {
    context.fillStyle = palette.edge;
    for (const [, other] of seen) arrow(context, other);
  }
  context.lineWidth = 2;
  context.strokeStyle = palette.fg;
  context.fillStyle = palette.fg;
  for (const { ends, dashed } of hot) {
    context.setLineDash(dashed ? [5, 4] : []);
    context.beginPath();
    trace(context, ...ends, true);
    context.stroke();
    arrow(context, ends[1]);
  }
  context.setLineDash([]);
}

function trace(
  context: CanvasRenderingContext2D,
  one: Placed,
  other: Placed,
  curved: boolean,
): void {
  const [x1, y1] = [one.x + nodeWidth, one.y + nodeHeight / 2];
  const [x2, y2] = [other.x - 5, other.y + nodeHeight / 2];
  context.moveTo(x1, y1);
  if (!curved || y1 === y2) {
    context.lineTo(x2, y2);
    return;
  }
  const bend = Math.max(18, Math.min(80, Math.abs(x2 - x1) / 2));
  context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
}

function arrow(context: CanvasRenderingContext2D, other: Placed): void {
  const [x, y] = [other.x - 1, other.y + nodeHeight / 2];
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 6, y - 3.5);
  context.lineTo(x - 6, y + 3.5);
  context.fill();
}

function drawNode(
  context: CanvasRenderingContext2D,
  scene: Scene,
  palette: Palette,
  { key, x, y }: Placed,
): void {
  const look = scene.look(key);
  if (!look) return;
  const { zoom } = scene.camera;
  const chosen = scene.selected === key;
  const related = scene.needs.has(key) || scene.feeds.has(key);
  const others = scene.selected !== null && !chosen && !related;
  const quiet = look.quiet || others;
  context.fillStyle = palette.raised;
  if (zoom < shapeFrom * 2) {
    context.fillStyle = palette.hues[look.bucket];
    context.fillRect(x, y, nodeWidth, nodeHeight);
    if (chosen) {
      context.strokeStyle = palette.focus;
      context.lineWidth = 3 / zoom;
      context.strokeRect(x, y, nodeWidth, nodeHeight);
    }
    return;
  }
  context.beginPath();
  context.roundRect(x + 0.5, y + 0.5, nodeWidth - 1, nodeHeight - 1, 4);
  context.fill();
  if (chosen && !palette.contrast) {
    context.fillStyle = palette.pick;
    context.fill();
  }
  context.lineWidth = chosen ? 2 : 1;
  context.strokeStyle = chosen ? palette.focus : related ? palette.fg : palette.line;
  context.setLineDash(scene.feeds.has(key) ? [4, 3] : []);
  context.stroke();
  context.setLineDash([]);
  if (scene.focused === key) {
    context.lineWidth = 2;
    context.strokeStyle = palette.focus;
    context.beginPath();
    context.roundRect(x - 2.5, y - 2.5, nodeWidth + 5, nodeHeight + 5, 6);
    context.stroke();
  }
  if (zoom < textFrom) {
    context.fillStyle = palette.hues[look.bucket];
    context.fillRect(x + 6, y + 12, 20, 20);
    return;
  }
  context.textBaseline = 'middle';
  context.fillStyle = palette.hues[look.bucket];
  context.font = '16px codicon';
  context.fillText(palette.glyphs[look.bucket], x + 8, y + 13);
  context.font = `12px ${palette.font}`;
  context.fillStyle = palette.dim;
  let at = x + 30;
  if (look.id !== '') {
    const id = cut(context, look.id, 60);
    context.fillText(id, at, y + 13);
    at += context.measureText(id).width + 6;
  }
  context.fillStyle = quiet ? palette.dim : palette.fg;
  context.fillText(cut(context, look.title, x + nodeWidth - 8 - at), at, y + 13);
  const word = cut(context, look.word, 100);
  context.fillText(word, x + 30, y + 32);
  const left = nodeWidth - 46 - context.measureText(word).width;
  if (look.agent !== '' && left > 24) {
    context.fillStyle = palette.dim;
    context.textAlign = 'right';
    context.fillText(cut(context, look.agent, left), x + nodeWidth - 8, y + 32);
    context.textAlign = 'left';
  }
}

const cuts = new Map<string, string>();

/** Names end in an ellipsis where there is no room; measured once for each text and width. */
function cut(context: CanvasRenderingContext2D, text: string, width: number): string {
  const room = Math.floor(width);
  const known = `${context.font}\0${room}\0${text}`;
  const before = cuts.get(known);
  if (before !== undefined) return before;
  let made = text;
  if (context.measureText(text).width > room) {
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (context.measureText(`${text.slice(0, middle).trimEnd()}…`).width <= room) low = middle;
      else high = middle - 1;
    }
    made = `${text.slice(0, low).trimEnd()}…`;
  }
  if (cuts.size > 20_000) cuts.clear();
  cuts.set(known, made);
  return made;
}
