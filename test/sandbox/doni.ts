// A double of Doni's list of hardware, which always comes whole.

import { randomUUID } from 'node:crypto';

import { startHttpDouble } from './http-double.js';
import type { HttpDouble } from './http-double.js';
import { refuseStrangers } from './service-list.js';
import type { Intervention, ServiceOptions } from './service-list.js';

export interface StoredHardware {
  readonly uuid: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface DoniDouble extends HttpDouble {
  readonly hardware: StoredHardware[];
  intervene: Intervention;
  seed(hardware: Partial<StoredHardware>): StoredHardware;
}

export async function startDoni(options: ServiceOptions): Promise<DoniDouble> {
  const server = await startHttpDouble((call) => {
    const intervention = double.intervene(call);
    if (intervention) return intervention;
    refuseStrangers(options, call);
    const ours = call.query.has('all_projects') ? double.hardware : [];
    return { status: 200, body: { hardware: ours.map((item) => ({ ...item, hardware_type: 'baremetal', workers: [] })), links: [] } };
  });
  const double: DoniDouble = {
    ...server,
    hardware: [],
    intervene: () => undefined,
    seed: (given) => {
      const stored = { uuid: randomUUID(), name: 'rack1-01', properties: {}, ...given };
      double.hardware.push(stored);
      return stored;
    },
  };
  return double;
}
