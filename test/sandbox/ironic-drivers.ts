// Drivers as the double of Ironic tells them (ironic/api/controllers/v1/driver.py).

import type { Answer, Call } from './http-double.js';
import { booleanOf, plainRefusal, refusal } from './ironic-api.js';
import type { Asker } from './ironic-api.js';
import { assertArguments } from './ironic-list.js';
import { interfaces } from './ironic-node.js';

export const driverNames = ['fake-hardware', 'ipmi'];

/** What fake hardware lists; it takes the others too where they are enabled. */
const listedByFake: Readonly<Record<string, readonly string[]>> = {
  management: ['fake'],
  power: ['fake'],
  vendor: ['fake', 'no-vendor'],
};

/** The minor version from which drivers tell an interface; the others are as old as the detail. */
const toldSince: Readonly<Record<string, number>> = { storage: 33, rescue: 38, bios: 40, firmware: 86 };

/** The keys that the default interfaces read. */
const properties: Readonly<Record<string, readonly string[]>> = {
  'fake-hardware': ['B1', 'B2'],
  ipmi: [
    ...['address', 'bridging', 'cipher_suite', 'disable_boot_timeout', 'force_boot_device', 'hex_kg_key'],
    ...['local_address', 'password', 'port', 'priv_level', 'protocol_version', 'target_address', 'target_channel'],
    ...['transit_address', 'transit_channel', 'username'],
  ]
    .map((key) => `ipmi_${key}`)
    .concat(
      ['deploy_kernel', 'deploy_ramdisk', 'rescue_kernel', 'rescue_ramdisk', 'kernel_append_params'],
      ['image_http_proxy', 'image_https_proxy', 'image_no_proxy', 'image_download_source'],
      ['deploy_forces_oob_reboot', 'agent_verify_ca', 'force_persistent_boot_device'],
    ),
};

interface DriverRequest {
  readonly asker: Asker;
  readonly minor: number;
  readonly host: string;
  /** Whether a token of a project is of the wrong scope. */
  readonly enforcesScope: boolean;
}

/** `GET /v1/drivers`, of one, and of its properties. */
export function onDrivers(call: Call, { asker, minor, host, enforcesScope }: DriverRequest): Answer {
  const [, , name = '', resource] = call.segments;
  const rule = `baremetal:driver:get${resource === 'properties' ? '_properties' : ''}`;
  if (!asker.isAdmin && asker.project !== null && enforcesScope)
    throw refusal(500, `${rule} requires a scope of ['system'], request was made with project scope.`);
  if (!asker.isAdmin && asker.project !== null)
    throw refusal(403, `Access was denied to the following resource: ${rule}`);
  if (call.method !== 'GET' || (resource !== undefined && resource !== 'properties'))
    throw plainRefusal(404, 'Not Found', '');
  if (name === '') return listDrivers(call, { minor, host });
  if (resource === 'properties') {
    const keys = properties[name];
    if (!keys) throw refusal(404, `The driver '${name}' is unknown.`);
    return { status: 200, body: Object.fromEntries(keys.map((key) => [key, `What ${key} is.`])) };
  }
  if (!driverNames.includes(name))
    throw refusal(404, `Could not find the following driver(s) or hardware type(s): ${name}.`);
  return { status: 200, body: shownDriver(name, { call, minor, host, isDetailed: true }) };
}

function listDrivers(call: Call, { minor, host }: { minor: number; host: string }): Answer {
  assertArguments(call, ['type', 'detail', 'fields']);
  const asked = call.query.get('detail');
  if (asked !== null && minor < 30)
    throw refusal(406, 'Request not acceptable. The minimal required API version should be 1.30');
  const isDetailed = asked !== null && booleanOf('detail', asked);
  return {
    status: 200,
    body: { drivers: driverNames.map((name) => shownDriver(name, { call, minor, host, isDetailed })) },
  };
}

interface Shown {
  readonly call: Call;
  readonly minor: number;
  readonly host: string;
  readonly isDetailed: boolean;
}

function shownDriver(name: string, { call, minor, host, isDetailed }: Shown): object {
  const links = (path: string): object[] => [
    { href: `${call.url}/v1/drivers/${path}`, rel: 'self' },
    { href: `${call.url}/drivers/${path}`, rel: 'bookmark' },
  ];
  const kinds = Object.entries(interfaces).filter(([kind]) => (toldSince[kind] ?? 0) <= minor);
  const details = kinds.flatMap(([kind, { enabled, ipmi }]) => {
    const usable = name === 'ipmi' ? ipmi : (listedByFake[kind] ?? enabled);
    return [
      [`default_${kind}_interface`, usable[0]],
      [`enabled_${kind}_interfaces`, usable],
    ];
  });
  return {
    name,
    hosts: [host],
    links: links(name),
    ...(minor >= 14 ? { properties: links(`${name}/properties`) } : {}),
    ...(minor >= 30 ? { type: 'dynamic' } : {}),
    ...(minor >= 30 && isDetailed ? Object.fromEntries(details) : {}),
  };
}
