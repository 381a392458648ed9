/** How long a page waits for what must come, in ms. It ends what hangs, and says nothing of speed. */
export const patience = 120_000;
