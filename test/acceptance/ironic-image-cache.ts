// Ironic's own image cache as an oracle, in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './cloud.js';

export interface OracleAnswer {
  readonly error?: string;
  readonly path?: string;
  readonly fresh?: boolean;
  readonly updated_at?: string | null;
  /** The newest minor version of its API. */
  readonly minor?: number;
}

export interface Oracle {
  /** One request at a time. */
  ask(request: Readonly<Record<string, string>>): Promise<OracleAnswer>;
  close(): Promise<void>;
}

/** Needs Debian's python3-ironic, which test/cloud/up installs with the service `ironic`. */
export function startOracle(): Oracle {
  const child = spawn('/usr/bin/python3', ['-B', join(root, 'test/acceptance/ironic-image-cache.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  return {
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`Ironic's image cache ended; is python3-ironic installed? ${said.slice(-2000)}`);
      return JSON.parse(value as string) as OracleAnswer;
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
