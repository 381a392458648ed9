/** A press that is held and moved, or else is a click. */

/** A press that moves less than this is a click. */
const slack = 4;

export interface Drag {
  /** By how many pixels since the last time. */
  moved(dx: number, dy: number): void;
  clicked(): void;
}

export function dragFrom(element: HTMLElement, press: PointerEvent, drag: Drag): void {
  element.setPointerCapture(press.pointerId);
  let last = press;
  let dragged = false;
  const ended = new AbortController();
  const { signal } = ended;
  const end = () => {
    ended.abort();
    element.classList.remove('dragging');
  };
  element.addEventListener(
    'pointermove',
    (next) => {
      const far = Math.hypot(next.clientX - press.clientX, next.clientY - press.clientY);
      dragged ||= far > slack;
      if (!dragged) return;
      element.classList.add('dragging');
      drag.moved(next.clientX - last.clientX, next.clientY - last.clientY);
      last = next;
    },
    { signal },
  );
  element.addEventListener('pointercancel', end, { signal });
  element.addEventListener(
    'pointerup',
    () => {
      end();
      if (!dragged) drag.clicked();
    },
    { signal },
  );
}
