/** Flags of the commands that look after the store itself. */
import type { Command } from 'commander';
import type { CommandLine } from './commandLine';

const work = () => import('./storeCommands');
const shown = () => import('./presentStore');

export function addStoreCommands(root: Command, { workplace, deliver }: CommandLine): void {
  const store = root
    .command('store')
    .description('look after the store itself: verify, back up, restore, copy');
  store
    .command('verify')
    .description('look at everything the store holds, and say what is not as it was written')
    .action(async () => {
      const document = await (await work()).verify(workplace());
      deliver(document, (await shown()).showVerified);
    });
  store
    .command('backup')
    .description('back the store up now; the last five are kept')
    .option('--list', 'show the backups there are')
    .action(async ({ list }: { list?: true }) => {
      const stores = await work();
      const document =
        list === true ? stores.backups(workplace()) : await stores.backUp(workplace());
      deliver(document, (await shown()).showStore);
    });
  store
    .command('restore')
    .description('put a backup in the place of the store; what is there is kept aside')
    .argument('<backup>', 'its id, `latest`, or `present` to accept the store as it is')
    .option('--preview', 'only show what would be lost')
    .option('--force', 'although another process has the store open')
    .action(async (from: string, { preview, force }: { preview?: true; force?: true }) => {
      const how = { preview: preview === true, force: force === true };
      const document = await (await work()).restore(workplace(), from, how);
      deliver(document, (await shown()).showStore);
    });
  store
    .command('copy')
    .description('make another store with the same content')
    .argument('<dir>', 'folder for it, without a store.db')
    .action(async (target: string) => {
      const document = await (await work()).copy(workplace(), target);
      deliver(document, (await shown()).showStore);
    });
}
