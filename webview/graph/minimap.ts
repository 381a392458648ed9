/** The whole graph as a small picture, with the part that is seen framed. */
import type { Size } from './camera';
import { nodeHeight, nodeWidth } from './metrics';
import type { Scene } from './painter';
import { lookOf } from './runs';

const minimapSize: Size = { width: 190, height: 86 };
/** As the style sheet has it. */
export const minimapPadding = 4;

/** One scale for both directions while nodes stay visible; a graph of extremes is squeezed. */
export function minimapScale(content: Size): { x: number; y: number } {
  const x = minimapSize.width / content.width;
  const y = minimapSize.height / content.height;
  const both = Math.min(x, y, 0.14);
  return { x: Math.min(x, Math.max(both, 0.014)), y: Math.min(y, Math.max(both, 0.02)) };
}

export function paintMinimap(canvas: HTMLCanvasElement, scene: Scene): void {
  const { layout, runs, palette, camera, view, ratio, kin } = scene;
  const fits =
    layout.width <= view.width / camera.zoom && layout.height <= view.height / camera.zoom;
  canvas.hidden = fits || layout.ids.length === 0 || view.width < 560;
  if (canvas.hidden) return;
  const { width, height } = minimapSize;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = canvas.getContext('2d');
  if (!ctx) return;
  const scale = minimapScale(layout);
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  const w = Math.max(1, nodeWidth * scale.x);
  const h = Math.max(1, nodeHeight * scale.y);
  // Of nodes on the same spot the first is drawn, and what a person must see is drawn over it.
  const spots = new Set<number>();
  for (const loud of [false, true])
    runs.forEach((run, index) => {
      const { hue } = lookOf(run.status);
      if ((hue !== 'dim' && hue !== 'green') !== loud) return;
      const x = (layout.x[index] ?? 0) * scale.x;
      const y = (layout.y[index] ?? 0) * scale.y;
      const spot = Math.floor(x) * 1_000 + Math.floor(y) + (loud ? 1e6 : 0);
      if (spots.has(spot)) return;
      spots.add(spot);
      ctx.fillStyle = palette.hue[hue];
      ctx.fillRect(x, y, w, h);
    });
  if (kin) {
    ctx.strokeStyle = palette.colour.fg;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(
      (layout.x[kin.selected] ?? 0) * scale.x,
      (layout.y[kin.selected] ?? 0) * scale.y,
      w,
      h,
    );
  }
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.colour.fg;
  ctx.strokeRect(
    Math.max(0, camera.x * scale.x) + 0.5,
    Math.max(0, camera.y * scale.y) + 0.5,
    Math.min(width - 1, (view.width / camera.zoom) * scale.x),
    Math.min(height - 1, (view.height / camera.zoom) * scale.y),
  );
}
