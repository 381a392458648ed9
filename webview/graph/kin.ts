/** What a run needs, and what it holds up, over any number of steps. */
import { each, neighbours, type GraphLayout, type Neighbours } from './layout';
import { heldUp, needed, type Kin } from './painter';

export class Family {
  readonly needs: Neighbours;
  readonly holdsUp: Neighbours;

  constructor(layout: GraphLayout) {
    this.needs = neighbours(layout.to, layout.from, layout.ids.length);
    this.holdsUp = neighbours(layout.from, layout.to, layout.ids.length);
  }

  of(selected: number): Kin {
    const role = new Uint8Array(this.needs.start.length - 1);
    const walk = (side: Neighbours, mark: number) => {
      const stack = [selected];
      let count = 0;
      for (let run = stack.pop(); run !== undefined; run = stack.pop())
        each(side, run, (other) => {
          // On a cycle a run may be both; what is needed is said first.
          if (other === selected || role[other] !== 0) return;
          role[other] = mark;
          count += 1;
          stack.push(other);
        });
      return count;
    };
    return {
      selected,
      role,
      needs: walk(this.needs, needed),
      holdsUp: walk(this.holdsUp, heldUp),
    };
  }

  degree(side: 'needs' | 'holdsUp', run: number): number {
    const { start } = this[side];
    return (start[run + 1] ?? 0) - (start[run] ?? 0);
  }
}
