export interface PanelServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Call it with the project's root as the working folder. */
export function servePanel(options?: {
  readonly port?: number;
  readonly fresh?: boolean;
}): Promise<PanelServer>;
