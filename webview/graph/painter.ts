/**
 * Draws the part of the graph that is seen, and nothing else. The same work draws the whole view or a few clipped
 * boxes of it, so what a change of state repaints looks exactly like the rest.
 */
import type { Box, Camera, Size } from './camera';
import type { Band, GraphLayout } from './layout';
import { gutter, nodeHeight, nodeWidth } from './metrics';
import type { Palette } from './palette';
import { labelOf, lookOf, stateWord, type GraphRun, type GraphWave } from './runs';
import type { Texts } from './texts';
import { graphWords } from './words';

/** What a selection makes of the graph: by run, whether it is needed or held up. */
export interface Kin {
  readonly selected: number;
  readonly role: Uint8Array;
  readonly needs: number;
  readonly holdsUp: number;
}
export const needed = 1;
export const heldUp = 2;

export interface Scene {
  readonly layout: GraphLayout;
  readonly runs: readonly GraphRun[];
  readonly waves: ReadonlyMap<number, GraphWave>;
  readonly current: number | null;
  readonly kin: Kin | null;
  /** The run whose row has the keyboard's focus, if it shows. */
  readonly focused: number;
  readonly camera: Camera;
  readonly view: Size;
  readonly ratio: number;
  readonly palette: Palette;
  readonly texts: Texts;
}

const radius = 4;
const bend = 6;
const arrow = 5;
/** Below these a node has no words, and then no glyph either. */
const wordsFrom = 0.55;
const glyphFrom = 0.28;
const headHeight = 32;
/** An outline and the arrow before it reach this far beyond a node. */
export const nodeMargin = 8;

export function paint(ctx: CanvasRenderingContext2D, scene: Scene, region?: Box): void {
  const { camera, view, ratio, palette } = scene;
  const clip = region ?? { x: 0, y: 0, ...view };
  ctx.save();
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.beginPath();
  ctx.rect(clip.x, clip.y, clip.width, clip.height);
  ctx.clip();
  ctx.fillStyle = palette.colour.bg;
  ctx.fillRect(clip.x, clip.y, clip.width, clip.height);
  const seen: Box = {
    x: camera.x + clip.x / camera.zoom,
    y: camera.y + clip.y / camera.zoom,
    width: clip.width / camera.zoom,
    height: clip.height / camera.zoom,
  };
  const bands = scene.layout.bands.filter(
    (band) => band.x <= seen.x + seen.width && band.x + band.width >= seen.x,
  );
  for (const band of bands) paintBand(ctx, scene, band);
  const at = ratio * camera.zoom;
  ctx.setTransform(at, 0, 0, at, -camera.x * at, -camera.y * at);
  paintEdges(ctx, scene, seen);
  paintNodes(ctx, scene, seen);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const band of bands) if (clip.y < headHeight + 2) paintHeading(ctx, scene, band);
  ctx.restore();
}

/** The place of a band on screen; it is as high as the view. */
function bandBox({ camera, view }: Scene, band: Band): Box {
  const x = Math.round((band.x - camera.x) * camera.zoom) + 0.5;
  const end = Math.round((band.x + band.width - camera.x) * camera.zoom) - 0.5;
  return { x, y: 2.5, width: Math.max(1, end - x), height: view.height - 13 };
}

function paintBand(ctx: CanvasRenderingContext2D, scene: Scene, band: Band): void {
  const { palette, current } = scene;
  const box = bandBox(scene, band);
  const isCurrent = band.wave !== null && band.wave === current;
  ctx.beginPath();
  ctx.roundRect(box.x, box.y, box.width, box.height, 6);
  if (isCurrent) {
    ctx.fillStyle = palette.colour.recess;
    ctx.fill();
  }
  ctx.lineWidth = isCurrent && palette.contrast ? 2 : 1;
  ctx.strokeStyle = isCurrent ? palette.colour.line : palette.colour['line-soft'];
  ctx.stroke();
}

/** Words that stay while nodes move beneath them. */
function paintHeading(ctx: CanvasRenderingContext2D, scene: Scene, band: Band): void {
  const { palette, texts, current, waves } = scene;
  const box = bandBox(scene, band);
  const isCurrent = band.wave !== null && band.wave === current;
  ctx.fillStyle = isCurrent ? palette.colour.recess : palette.colour.bg;
  ctx.beginPath();
  ctx.roundRect(box.x + 1.5, box.y + 1.5, Math.max(0, box.width - 3), headHeight, [5, 5, 0, 0]);
  ctx.fill();
  const wave = band.wave === null ? undefined : waves.get(band.wave);
  const y = box.y + headHeight / 2 + 0.5;
  let x = box.x + 12;
  let end = box.x + box.width - 12;
  ctx.textBaseline = 'middle';
  if (end - x < 16) return;
  const count = wave ? graphWords.share(wave.completed, wave.all) : graphWords.number(band.runs);
  const title = graphWords.wave(band.wave);
  const titleWidth = texts.width(ctx, title, 13, true);
  const countWidth = texts.width(ctx, count, 12);
  if (titleWidth + countWidth + 12 <= end - x) {
    ctx.font = texts.font(12);
    ctx.fillStyle = palette.colour.dim;
    ctx.fillText(count, end - countWidth, y);
    end -= countWidth + 8;
  }
  ctx.font = texts.font(13, true);
  ctx.fillStyle = palette.colour.fg;
  const narrow = titleWidth > end - x && band.wave !== null;
  const shown = narrow ? graphWords.number(band.wave) : texts.fit(ctx, title, 13, end - x, true);
  ctx.fillText(shown, x, y);
  x += titleWidth + 6;
  const pill = isCurrent ? texts.width(ctx, graphWords.current, 11) + 14 : 0;
  const room = end - x - (pill > 0 ? pill + 8 : 0);
  if (wave?.name !== undefined && room > 24) {
    ctx.font = texts.font(13);
    ctx.fillStyle = palette.colour.dim;
    const name = texts.fit(ctx, wave.name, 13, room);
    ctx.fillText(name, x, y);
    x += texts.width(ctx, name, 13) + 8;
  }
  if (pill > 0 && end - x >= pill) {
    ctx.strokeStyle = palette.colour.line;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.roundRect(Math.round(x) + 0.5, Math.round(y - 9) + 0.5, Math.round(pill), 17, 9);
    ctx.stroke();
    ctx.font = texts.font(11);
    ctx.fillStyle = palette.colour.fg;
    ctx.fillText(graphWords.current, Math.round(x) + 7.5, y + 0.5);
  }
}

function paintEdges(ctx: CanvasRenderingContext2D, scene: Scene, seen: Box): void {
  const { layout, kin, palette, camera } = scene;
  const { from, to, x, y, routes } = layout;
  const right = seen.x + seen.width;
  const bottom = seen.y + seen.height;
  const quiet = new Path2D();
  const solid = new Path2D();
  const dashed = new Path2D();
  const heads = new Path2D();
  const hotHeads = new Path2D();
  const round = camera.zoom >= wordsFrom;
  const pointed = camera.zoom >= glyphFrom;
  for (let edge = 0; edge < from.length; edge += 1) {
    const source = from[edge] ?? 0;
    const target = to[edge] ?? 0;
    const sy = (y[source] ?? 0) + nodeHeight / 2;
    const ey = (y[target] ?? 0) + nodeHeight / 2;
    const track = routes.track[edge] ?? 0;
    if (Math.min(sy, ey, track) > bottom || Math.max(sy, ey, track) < seen.y) continue;
    const sx = (x[source] ?? 0) + nodeWidth;
    const ex = x[target] ?? 0;
    if (Math.min(sx, ex - gutter) > right || Math.max(sx + gutter, ex) < seen.x) continue;
    const role = kin ? roleOfEdge(kin, source, target) : 0;
    const path = role === needed ? solid : role === heldUp ? dashed : quiet;
    const laneOut = routes.laneOut[edge] ?? 0;
    const laneIn = routes.laneIn[edge] ?? 0;
    const tip = ex - 1;
    path.moveTo(sx, sy);
    if (sy === ey && track === sy) {
      // Straight on: it has no lane.
    } else if (laneOut === laneIn) turn(path, round, sx, sy, laneIn, ey, tip);
    else {
      if (track !== sy) turn(path, round, sx, sy, laneOut, track, track === ey ? tip : laneIn);
      if (track !== ey) turn(path, round, track === sy ? sx : laneOut, track, laneIn, ey, tip);
    }
    path.lineTo(tip, ey);
    if (!pointed) continue;
    const head = role > 0 ? hotHeads : heads;
    const size = role > 0 ? arrow + 2 : arrow;
    head.moveTo(ex, ey);
    head.lineTo(ex - size, ey - size / 2);
    head.lineTo(ex - size, ey + size / 2);
  }
  // A line stays a line, however small the graph is drawn.
  const hair = Math.max(1, 0.75 / camera.zoom);
  ctx.lineWidth = hair;
  ctx.strokeStyle = palette.colour.edge;
  ctx.stroke(quiet);
  ctx.fillStyle = palette.colour.edge;
  ctx.fill(heads);
  if (!kin) return;
  ctx.lineWidth = hair * 2;
  ctx.strokeStyle = palette.colour.fg;
  ctx.stroke(solid);
  ctx.setLineDash([5 * hair, 4 * hair]);
  ctx.stroke(dashed);
  ctx.setLineDash([]);
  ctx.fillStyle = palette.colour.fg;
  ctx.fill(hotHeads);
}

/** From (x, y) along a lane to another height, and a little on towards `next`. */
function turn(
  path: Path2D,
  round: boolean,
  x: number,
  y: number,
  lane: number,
  height: number,
  next: number,
): void {
  const r = Math.min(bend, Math.abs(height - y) / 2, Math.abs(lane - x), Math.abs(next - lane));
  if (!round || r < 1) {
    path.lineTo(lane, y);
    path.lineTo(lane, height);
    return;
  }
  const down = Math.sign(height - y);
  path.lineTo(lane - Math.sign(lane - x) * r, y);
  path.quadraticCurveTo(lane, y, lane, y + down * r);
  path.lineTo(lane, height - down * r);
  path.quadraticCurveTo(lane, height, lane + Math.sign(next - lane) * r, height);
}

/** An edge between two that are needed is needed, and so for those held up; the selected one is both. */
function roleOfEdge({ role, selected }: Kin, source: number, target: number): number {
  if (role[source] === needed && (target === selected || role[target] === needed)) return needed;
  if (role[target] === heldUp && (source === selected || role[source] === heldUp)) return heldUp;
  return 0;
}

function paintNodes(ctx: CanvasRenderingContext2D, scene: Scene, seen: Box): void {
  const { layout } = scene;
  const { columns, y } = layout;
  const first = seen.y - nodeHeight - nodeMargin;
  const last = seen.y + seen.height + nodeMargin;
  for (const column of columns) {
    const x = layout.x[column[0] ?? 0] ?? 0;
    if (x > seen.x + seen.width + nodeMargin || x + nodeWidth < seen.x - nodeMargin) continue;
    for (let place = firstBelow(column, y, first); place < column.length; place += 1) {
      const run = column[place] ?? 0;
      if ((y[run] ?? 0) > last) break;
      paintNode(ctx, scene, run);
    }
  }
}

/** The first of a column that is not above a height. */
export function firstBelow(column: Int32Array, y: Float64Array, height: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((y[column[middle] ?? 0] ?? 0) < height) low = middle + 1;
    else high = middle;
  }
  return low;
}

function paintNode(ctx: CanvasRenderingContext2D, scene: Scene, index: number): void {
  const { layout, runs, kin, palette, camera, texts } = scene;
  const run = runs[index];
  if (!run) return;
  const { colour, contrast } = palette;
  const x = layout.x[index] ?? 0;
  const y = layout.y[index] ?? 0;
  const look = lookOf(run.status);
  const role = kin?.role[index] ?? 0;
  const selected = kin?.selected === index;
  const quiet = kin !== null && role === 0 && !selected;
  const hue = palette.hue[look.hue];
  if (camera.zoom < glyphFrom) {
    ctx.fillStyle = colour.raised;
    ctx.fillRect(x, y, nodeWidth, nodeHeight);
    ctx.fillStyle = hue;
    // Who waits or is done is a stripe; what runs or went wrong is seen from afar.
    const loud = look.hue !== 'dim' && look.hue !== 'green';
    ctx.fillRect(x, y, loud ? nodeWidth : nodeWidth / 5, nodeHeight);
  }
  ctx.beginPath();
  ctx.roundRect(x + 0.5, y + 0.5, nodeWidth - 1, nodeHeight - 1, radius);
  if (camera.zoom >= glyphFrom) {
    ctx.fillStyle = colour.raised;
    ctx.fill();
    if (selected && !contrast) {
      ctx.fillStyle = colour.pick;
      ctx.fill();
    }
  }
  ctx.lineWidth = Math.max(1, 1 / camera.zoom / 2);
  ctx.strokeStyle = role > 0 ? colour.fg : colour.line;
  if (role === heldUp) ctx.setLineDash([3, 2]);
  if (selected) {
    ctx.strokeStyle = contrast ? colour['pick-line'] : colour.focus;
    ctx.lineWidth = Math.max(2, 2 / camera.zoom);
  }
  if (camera.zoom >= glyphFrom || selected || role > 0) ctx.stroke();
  ctx.setLineDash([]);
  if (scene.focused === index) {
    ctx.beginPath();
    ctx.roundRect(x - 2, y - 2, nodeWidth + 4, nodeHeight + 4, radius + 2);
    ctx.lineWidth = Math.max(2, 2 / camera.zoom);
    ctx.strokeStyle = colour.focus;
    ctx.stroke();
  }
  if (camera.zoom < glyphFrom) return;
  const words = camera.zoom >= wordsFrom;
  ctx.fillStyle = hue;
  ctx.textBaseline = 'middle';
  ctx.font = words ? '16px codicon' : '24px codicon';
  ctx.fillText(palette.glyph.get(look.glyph) ?? '', x + 8, y + (words ? 14 : 22));
  const strong = selected ? colour['pick-fg'] : quiet ? colour.dim : colour.fg;
  const soft = selected ? colour['pick-fg'] : colour.dim;
  const label = labelOf(run);
  if (!words) {
    ctx.font = texts.font(20);
    ctx.fillStyle = strong;
    ctx.fillText(texts.fit(ctx, label, 20, nodeWidth - 48), x + 40, y + 23);
    return;
  }
  const inner = nodeWidth - 30 - 8;
  ctx.font = texts.font(12);
  const id = texts.fit(ctx, label, 12, 84);
  const idWidth = texts.width(ctx, id, 12);
  ctx.fillStyle = soft;
  ctx.fillText(id, x + 30, y + 14);
  ctx.fillStyle = strong;
  ctx.fillText(texts.fit(ctx, run.title, 12, inner - idWidth - 6), x + 36 + idWidth, y + 14);
  const word = stateWord(run);
  ctx.fillText(word, x + 30, y + 32);
  if (run.agent !== null) {
    const agent = texts.fit(ctx, run.agent, 12, inner - texts.width(ctx, word, 12) - 8);
    ctx.fillStyle = soft;
    ctx.fillText(agent, x + nodeWidth - 8 - texts.width(ctx, agent, 12), y + 32);
  }
}

/** The box of the view that a node's repainting needs. */
export function nodeBox({ layout, camera }: Scene, run: number): Box {
  const x = ((layout.x[run] ?? 0) - nodeMargin - camera.x) * camera.zoom;
  const y = ((layout.y[run] ?? 0) - nodeMargin - camera.y) * camera.zoom;
  // Whole pixels, so that the seam of a clip is not seen.
  const left = Math.floor(x);
  const top = Math.floor(y);
  return {
    x: left,
    y: top,
    width: Math.ceil(x + (nodeWidth + 2 * nodeMargin) * camera.zoom) - left,
    height: Math.ceil(y + (nodeHeight + 2 * nodeMargin) * camera.zoom) - top,
  };
}

export const overlaps = (one: Box, other: Box) =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

/** The run at a point of the view. */
export function runAt(
  layout: GraphLayout,
  camera: Camera,
  point: { x: number; y: number },
): number {
  const x = camera.x + point.x / camera.zoom;
  const y = camera.y + point.y / camera.zoom;
  for (const column of layout.columns) {
    const start = layout.x[column[0] ?? 0] ?? 0;
    if (x < start || x > start + nodeWidth) continue;
    const run = column[firstBelow(column, layout.y, y - nodeHeight)];
    return run !== undefined && (layout.y[run] ?? Infinity) <= y ? run : -1;
  }
  return -1;
}
