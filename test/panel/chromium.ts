/** Where this machine has a Chromium. */
import { existsSync } from 'node:fs';

export function findChromium(): string {
  const places = [
    process.env['WAVELOCK_CHROMIUM'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const found = places.find((place) => place !== undefined && existsSync(place));
  if (found === undefined) throw new Error('Set WAVELOCK_CHROMIUM to the path of a Chromium.');
  return found;
}
