/** Entry point of `dist/mcp.js`, which is loaded for `wavelock mcp` only: the SDK of it is most of its size. */
export { serve } from './tools/mcp/server';
