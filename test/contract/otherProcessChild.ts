/** `otherProcessChild.js FOLDER`: submits what it is sent, until its parent lets go. */
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import type { Asked, Told } from './otherProcess';
import { identity } from './stores';

async function serve(folder: string): Promise<void> {
  const store = await openLocalStore({
    place: placeOf(folder),
    identity: identity(),
    durability: 'full',
  });
  const tell = (told: Told): void => {
    process.send?.(told);
  };
  process.on('message', ({ id, command }: Asked) => {
    store.submit(command).then(
      (answer) => {
        tell({ id, answer });
      },
      (error: unknown) => {
        tell({ id, failed: String(error) });
      },
    );
  });
  process.once('disconnect', () => void store.close());
  tell({ id: 0 });
}

void serve(process.argv[2] ?? '');
