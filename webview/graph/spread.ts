/**
 * Places things in a given order as near as can be to where each wants to be, with at least a gap between two:
 * the least sum of squared distances. What would overlap is pooled and stands around its common mean.
 */
export function spread(
  order: Int32Array,
  want: Float64Array,
  into: Float64Array,
  gap: number,
  weight?: Float64Array,
): void {
  // Less the tight place of each, the heights must only not fall; pools of equal height are kept on a stack.
  const height: number[] = [];
  const heft: number[] = [];
  const size: number[] = [];
  order.forEach((it, place) => {
    let w = weight?.[it] ?? 1;
    let h = (want[it] ?? 0) - place * gap;
    let n = 1;
    for (let last = height.length - 1; last >= 0 && (height[last] ?? 0) > h; last -= 1) {
      const other = heft.pop() ?? 0;
      h = (h * w + (height.pop() ?? 0) * other) / (w + other);
      w += other;
      n += size.pop() ?? 0;
    }
    height.push(h);
    heft.push(w);
    size.push(n);
  });
  let place = 0;
  size.forEach((n, pool) => {
    for (const end = place + n; place < end; place += 1)
      into[order[place] ?? 0] = (height[pool] ?? 0) + place * gap;
  });
}
