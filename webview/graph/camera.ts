/** Which part of the graph is seen: the corner of the view in the graph's own units, and the zoom. */
import { top } from './metrics';

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

export const leastZoom = 0.08;
export const mostZoom = 2;
/** So much of the graph stays in view, however far it is moved. */
const inView = 80;
/** Above the view's content lie the headings of the bands, which do not scroll. */
export const heading = 36;

const between = (least: number, value: number, most: number) =>
  Math.min(Math.max(value, least), Math.max(least, most));

/** One notch of the wheel, one press of a key. */
export const zoomStep = 1.2;

/** Zooms so that the point of the view stays where it is. */
export function zoomAt(camera: Camera, factor: number, point: { x: number; y: number }): Camera {
  const zoom = between(leastZoom, camera.zoom * factor, mostZoom);
  return {
    x: camera.x + point.x / camera.zoom - point.x / zoom,
    y: camera.y + point.y / camera.zoom - point.y / zoom,
    zoom,
  };
}

/** Moves what is seen by pixels of the view. */
export const pan = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x + dx / camera.zoom,
  y: camera.y + dy / camera.zoom,
});

/** The headings do not shrink with the graph, so that it begins below them at every zoom. */
const start = (zoom: number) => top - top / zoom;

/** What fits stands in the middle, under the headings; of what does not, some stays in view. */
export function keepInView(camera: Camera, content: Size, view: Size): Camera {
  const { zoom } = camera;
  const width = view.width / zoom;
  const height = view.height / zoom;
  const margin = inView / zoom;
  const first = start(zoom);
  return {
    zoom,
    x:
      content.width <= width
        ? (content.width - width) / 2
        : between(margin - width, camera.x, content.width - margin),
    y: content.height - first <= height ? first : between(first, camera.y, content.height - margin),
  };
}

/** Everything, as large as it can be but not larger than life. */
export function fit(content: Size, view: Size): Camera {
  const across = view.width / content.width;
  const down = (view.height - top) / Math.max(1, content.height - top);
  const zoom = between(leastZoom, Math.min(across, down, 1), mostZoom);
  return keepInView({ x: 0, y: start(zoom), zoom }, content, view);
}

/** The least move that brings a box into view. */
export function reveal(camera: Camera, box: Box, view: Size): Camera {
  const { zoom } = camera;
  const margin = 24 / zoom;
  const along = (at: number, start: number, size: number, seen: number, before: number) => {
    const first = start - margin - before;
    const last = start + size + margin - seen;
    // What is too large to be seen whole is seen from its beginning.
    return last > first ? first : between(last, at, first);
  };
  return {
    zoom,
    x: along(camera.x, box.x, box.width, view.width / zoom, 0),
    y: along(camera.y, box.y, box.height, view.height / zoom, heading / zoom),
  };
}

export const ease = (from: Camera, to: Camera, share: number): Camera => {
  const t = 1 - (1 - share) ** 3;
  const mix = (one: number, other: number) => one + (other - one) * t;
  return { x: mix(from.x, to.x), y: mix(from.y, to.y), zoom: mix(from.zoom, to.zoom) };
};
