// The agent in the ramdisk of a node, as far as Ironic asks it while it cleans: it calls when a
// test says so, and has no steps of its own (https://docs.openstack.org/api-ref/baremetal/#utility;
// ironic-python-agent, api/app.py).
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RawIronic } from './baremetal.js';
import type { Site } from './site.js';

export interface RamdiskAgent {
  /** Finds its node and calls, as often as it takes; the cleaning goes on then. */
  call(node: string): Promise<void>;
}

interface Lookup {
  readonly config: { readonly agent_token: string };
}

export async function startRamdiskAgent(site: Site, ironic: RawIronic): Promise<RamdiskAgent> {
  const server = http.createServer((request, response) => {
    request.resume();
    const isCommand = request.method === 'POST';
    const result = {
      id: 'one',
      command_name: 'get_clean_steps',
      command_status: 'SUCCEEDED',
      command_error: null,
      command_result: { clean_steps: {}, hardware_manager_version: {} },
    };
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(isCommand ? result : { commands: [] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  site.afterwards(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    call: async (node) => {
      const { config } = await ironic.ask<Lookup>('GET', `/lookup?node_uuid=${node}`);
      await ironic.ask('POST', `/heartbeat/${node}`, {
        callback_url: `http://127.0.0.1:${port}`,
        agent_version: '9.1.0',
        agent_token: config.agent_token,
      });
    },
  };
}
