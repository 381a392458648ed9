/** An MCP client of the official SDK, and the server that it started. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

export interface Answered {
  readonly document: Record<string, unknown> & { readonly ok: boolean };
  readonly texts: readonly string[];
  readonly isError: boolean;
}

export class Party {
  readonly updated: string[] = [];
  readonly #heard = new Set<() => void>();

  private constructor(
    readonly client: Client,
    private readonly transport: StdioClientTransport,
  ) {}

  static async open(
    cwd: string,
    { env = {}, ...options }: ClientOptions & { readonly env?: Record<string, string> } = {},
  ): Promise<Party> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [resolve('dist/cli.js'), 'mcp'],
      cwd,
      env: { PATH: process.env['PATH'] ?? '', NODE_OPTIONS: '', ...env },
      stderr: 'inherit',
    });
    const client = new Client({ name: 'a client', version: '1' }, options);
    const party = new Party(client, transport);
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      party.updated.push(params.uri);
      for (const heard of party.#heard) heard();
    });
    await client.connect(transport);
    return party;
  }

  get pid(): number {
    return this.transport.pid ?? 0;
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<Answered> {
    const { structuredContent, content, isError } = await this.client.callTool({
      name,
      arguments: args,
    });
    const texts = content.map((part) => (part.type === 'text' ? part.text : ''));
    const document = structuredContent as Answered['document'];
    assert.deepEqual(JSON.parse(texts[0] ?? ''), document);
    return { document, texts, isError: isError === true };
  }

  async granted(name: string, args: Record<string, unknown> = {}): Promise<Answered['document']> {
    const { document, isError } = await this.call(name, args);
    assert.ok(document.ok && !isError, `${name}: ${JSON.stringify(document)}`);
    return document;
  }

  async refused(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { document, isError } = await this.call(name, args);
    assert.ok(!document.ok && isError, `${name}: ${JSON.stringify(document)}`);
    return (document['refusal'] as { code: string }).code;
  }

  /** Resolves when word of a change has come. */
  async hears(uri: string): Promise<void> {
    while (!this.updated.includes(uri)) {
      await new Promise<void>((resolve) => {
        const heard = (): void => {
          this.#heard.delete(heard);
          resolve();
        };
        this.#heard.add(heard);
      });
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
