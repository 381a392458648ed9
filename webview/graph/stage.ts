/**
 * The canvas and what is seen on it. Drawn at most once per frame of the screen, and only if something has
 * changed; of states that have changed only their boxes are drawn.
 */
import {
  ease,
  fit,
  keepInView,
  pan,
  reveal,
  zoomAt,
  type Box,
  type Camera,
  type Size,
} from './camera';
import type { GraphLayout } from './layout';
import { nodeHeight, nodeWidth } from './metrics';
import { paintMinimap } from './minimap';
import { nodeBox, overlaps, paint, type Kin, type Scene } from './painter';
import { readPalette, watchTheme, type Palette } from './palette';
import type { GraphRun, GraphWave } from './runs';
import { Texts } from './texts';

/** Beyond this many boxes, drawing all at once is less work. */
const mostBoxes = 16;
const glide = 120;

export interface Shown {
  readonly layout: GraphLayout;
  readonly runs: readonly GraphRun[];
  readonly waves: ReadonlyMap<number, GraphWave>;
  readonly current: number | null;
  readonly kin: Kin | null;
  readonly focused: number;
}

export class Stage {
  camera: Camera = { x: 0, y: 0, zoom: 1 };
  view: Size = { width: 0, height: 0 };
  /** How often it has drawn, for those who measure. */
  frames = 0;
  #shown: Shown | null = null;
  #palette: Palette | null = null;
  #texts = new Texts('');
  #ratio = 1;
  #frame = 0;
  #all = false;
  #overview = false;
  readonly #boxes = new Set<number>();
  #glide: { from: Camera; to: Camera; start: number } | null = null;
  /** Whether the camera has been set: by a person, by the panel, or the first time that there was something. */
  #placed = false;
  /** A run to be brought into view when there is one. */
  #wanted = -1;
  readonly #ended = new AbortController();
  readonly #stopWatching: () => void;
  readonly #resized: ResizeObserver;

  constructor(
    readonly host: HTMLElement,
    readonly canvas: HTMLCanvasElement,
    readonly minimap: HTMLCanvasElement,
    readonly moved: () => void,
  ) {
    this.#stopWatching = watchTheme(() => {
      this.#palette = null;
      this.drawAll();
    });
    this.#resized = new ResizeObserver(() => {
      this.#measure();
    });
    this.#resized.observe(canvas);
    void Promise.all([document.fonts.load('16px codicon', '\ueabc'), document.fonts.ready]).then(
      () => {
        if (this.#ended.signal.aborted) return;
        this.#palette = null;
        this.drawAll();
      },
    );
    this.#watchRatio();
  }

  dispose(): void {
    this.#ended.abort();
    this.#stopWatching();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** @param changed the runs whose state differs, where nothing else does */
  show(shown: Shown, changed?: readonly number[]): void {
    this.#shown = shown;
    if (changed && changed.length <= 8 * mostBoxes) for (const run of changed) this.#boxes.add(run);
    else this.#all = true;
    this.#overview = true;
    this.#place();
    this.#schedule();
  }

  drawAll(): void {
    this.#all = true;
    this.#overview = true;
    this.#schedule();
  }

  pan(dx: number, dy: number): void {
    this.move(pan(this.#target(), dx, dy), false);
  }

  zoom(factor: number, point = { x: this.view.width / 2, y: this.view.height / 2 }): void {
    this.move(zoomAt(this.#target(), factor, point), false);
  }

  fit(): void {
    if (this.#shown) this.move(fit(this.#shown.layout, this.view), true);
  }

  reveal(run: number): void {
    const layout = this.#shown?.layout;
    if (!layout) return;
    // Not laid out by the page yet: as soon as it is.
    this.#wanted = this.view.width === 0 ? run : -1;
    if (this.#wanted >= 0) return;
    const box: Box = {
      x: layout.x[run] ?? 0,
      y: layout.y[run] ?? 0,
      width: nodeWidth,
      height: nodeHeight,
    };
    const camera = reveal(this.#target(), box, this.view);
    if (camera.x !== this.camera.x || camera.y !== this.camera.y) this.move(camera, false);
  }

  move(camera: Camera, gliding: boolean): void {
    if (!this.#shown) return;
    const to = keepInView(camera, this.#shown.layout, this.view);
    this.#placed = true;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#glide = gliding && !still ? { from: this.camera, to, start: performance.now() } : null;
    if (!this.#glide) this.camera = to;
    this.#all = true;
    this.#overview = true;
    this.moved();
    this.#schedule();
  }

  #target(): Camera {
    return this.#glide?.to ?? this.camera;
  }

  /** The first look: from the current wave on, and no smaller than can be read. */
  #place(): void {
    const shown = this.#shown;
    if (!shown || this.view.width === 0 || shown.layout.ids.length === 0) return;
    if (this.#placed) {
      this.camera = keepInView(this.camera, shown.layout, this.view);
      return;
    }
    const { layout, current } = shown;
    const band = layout.bands.find(({ wave }) => wave === current && wave !== null);
    const x = layout.width <= this.view.width || !band ? 0 : band.x - 60;
    this.camera = keepInView({ x, y: 0, zoom: 1 }, layout, this.view);
    this.#placed = true;
    this.moved();
  }

  #measure(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.view = { width, height };
    this.#ratio = devicePixelRatio;
    this.canvas.width = Math.round(width * this.#ratio);
    this.canvas.height = Math.round(height * this.#ratio);
    this.#place();
    if (this.#wanted >= 0) this.reveal(this.#wanted);
    this.drawAll();
  }

  #watchRatio(): void {
    if (this.#ended.signal.aborted) return;
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener(
      'change',
      () => {
        this.#measure();
        this.#watchRatio();
      },
      { once: true, signal: this.#ended.signal },
    );
  }

  #schedule(): void {
    if (this.#frame !== 0 || this.#ended.signal.aborted) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      this.#draw(now);
    });
  }

  #draw(now: number): void {
    const shown = this.#shown;
    const ctx = this.canvas.getContext('2d', { alpha: false });
    if (!shown || !ctx || this.view.width === 0) return;
    if (this.#glide) {
      const { from, to, start } = this.#glide;
      const share = Math.min(1, Math.max(0, (now - start) / glide));
      this.camera = ease(from, to, share);
      if (share === 1) this.#glide = null;
      this.#all = true;
      this.moved();
    }
    if (!this.#palette) {
      this.#palette = readPalette(this.host);
      this.#texts = new Texts(this.#palette.family);
    }
    const scene: Scene = {
      ...shown,
      camera: this.camera,
      view: this.view,
      ratio: this.#ratio,
      palette: this.#palette,
      texts: this.#texts,
    };
    const whole: Box = { x: 0, y: 0, ...this.view };
    const boxes = this.#all
      ? []
      : [...this.#boxes].map((run) => nodeBox(scene, run)).filter((box) => overlaps(box, whole));
    if (this.#all || boxes.length > mostBoxes) paint(ctx, scene);
    else for (const box of boxes) paint(ctx, scene, box);
    if (this.#overview) paintMinimap(this.minimap, scene);
    this.#all = false;
    this.#overview = false;
    this.#boxes.clear();
    this.frames += 1;
    if (this.#glide) this.#schedule();
  }
}
