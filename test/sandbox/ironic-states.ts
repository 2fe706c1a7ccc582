// What is asked of a node of Ironic's double beside its fields: verbs, power, maintenance, traits,
// validation (ironic/api/controllers/v1/node.py, conductor/manager.py).

import type { Refusal } from './http-double.js';
import type { Answer } from './http-double.js';
import { changePower, travel } from './ironic-activity.js';
import { refusal } from './ironic-api.js';
import { abortErrors, isVerbKnown, wayOf } from './ironic-machine.js';
import { recordOf } from './ironic-node.js';
import type { StoredNode, Values } from './ironic-node.js';
import type { IronicDouble } from './ironic.js';

const arguments_: readonly string[] = [
  'target',
  'configdrive',
  'clean_steps',
  'deploy_steps',
  'rescue_password',
  'disable_ramdisk',
  'service_steps',
  'runbook',
];

/** `PUT states/provision`; its refusals come in this order. */
export function provision(
  double: IronicDouble,
  node: StoredNode,
  { body, minor }: { body: Values; minor: number },
): Answer {
  const verb = body['target'] as string;
  const state = recordOf(node)['provision_state'] as string;
  if (!isVerbKnown(verb, minor)) throw refusal(406, 'Request not acceptable.');
  if (node.maintenance === true && ['active', 'rebuild', 'deploy'].includes(verb)) {
    throw refusal(
      400,
      `The provisioning operation can't be performed on node ${node.uuid} because it's in maintenance mode.`,
    );
  }
  const way = wayOf(state, verb, minor);
  if (!way) {
    assertUnlocked(node);
    throw refusal(
      400,
      `The requested action "${verb}" can not be performed on node "${node.uuid}" while it is in state "${state}".`,
    );
  }
  if (body['configdrive'] !== undefined && !['active', 'rebuild', 'deploy'].includes(verb)) {
    throw refusal(400, 'Adding a config drive is only supported when setting provision state to active, rebuild');
  }
  if (verb === 'clean' && !body['clean_steps'])
    throw refusal(400, '"clean_steps" is required when setting target provision state to clean');
  if (verb === 'rescue' && !body['rescue_password'])
    throw refusal(400, 'A non-empty "rescue_password" is required when setting target provision state to rescue');
  assertUnlocked(node);
  if (node['protected'] === true && ['deleted', 'undeploy', 'rebuild'].includes(verb)) throw protectedRefusal(node);
  if (node['retired'] === true && verb === 'provide')
    throw refusal(400, `The providing operation can't be performed on node ${node.uuid} because it is retired.`);
  if (['active', 'rebuild', 'deploy'].includes(verb)) assertDeployable(double, node);
  if (verb === 'inspect') assertInspectable(double, node);
  const power = state === 'enroll' ? validationOf(double, node)['power']?.reason : undefined;
  travel(double, node, {
    verb,
    way,
    failure:
      power === undefined
        ? undefined
        : `Failed to validate power driver interface for node ${node.uuid}. Error: ${power}`,
  });
  if (verb === 'abort') node.last_error = abortErrors[node.provision_state ?? ''] ?? 'Aborted by request';
  return { status: 202 };
}

/** The arguments are looked at before the node is. */
export function checkProvision(body: unknown): Values {
  const given = (body ?? {}) as Values;
  const strange = Object.keys(given).filter((key) => !arguments_.includes(key));
  if (strange.length > 0) throw refusal(400, `Unexpected arguments: ${strange.join(', ')}`);
  if (!('target' in given)) throw refusal(400, 'Missing mandatory parameter: target');
  return given;
}

/** `PUT states/power`; `ident` is what the node was called in the request. */
export function setPower(
  double: IronicDouble,
  node: StoredNode,
  { body, minor, ident }: { body: Values; minor: number; ident: string },
): Answer {
  const target = String(body['target']);
  const { provision_state: state, power_state: power } = recordOf(node);
  if (/^soft/.test(target) && minor < 27) throw refusal(406, 'Request not acceptable.');
  const refuse = (because: unknown): Refusal =>
    refusal(
      400,
      `The requested action "${target}" can not be performed on node "${ident}" while it is in state ` +
        `"${because === null ? 'None' : String(because)}".`,
    );
  if (!['power on', 'power off', 'rebooting', 'soft rebooting', 'soft power off'].includes(target)) throw refuse(power);
  if (state === 'cleaning' || state === 'clean wait') throw refuse(state);
  assertUnlocked(node);
  changePower(double, node, target);
  return { status: 202 };
}

/** `PUT maintenance`, or `DELETE` of it: both may be repeated. */
export function setMaintenance(node: StoredNode, body: Values | undefined): Answer {
  assertUnlocked(node);
  const reason = (body?.['reason'] as string | undefined) ?? null;
  Object.assign(
    node,
    { maintenance: body !== undefined, maintenance_reason: reason },
    body === undefined ? { fault: null } : {},
  );
  return { status: 202 };
}

const standardTrait = /^(?:COMPUTE|HW|HYPERVISOR|MISC|OWNER|STORAGE)_[A-Z0-9_]+$/;

/** All that is below `traits`, of one trait where `name` is given. */
export function onTraits(
  node: StoredNode,
  { method, name, body, minor }: { method: string; name: string | undefined; body: Values; minor: number },
): Answer {
  if (minor < 37) throw refusal(406, 'Request not acceptable.');
  const traits = node.traits ?? [];
  if (method === 'GET') return { status: 200, body: { traits } };
  const wanted =
    name === undefined
      ? ((body['traits'] ?? []) as string[])
      : method === 'PUT'
        ? [...new Set([...traits, name])]
        : traits.filter((trait) => trait !== name);
  if (name !== undefined && method === 'DELETE' && !traits.includes(name))
    throw refusal(404, `Node ${node.uuid} doesn't have a trait '${name}'`);
  for (const trait of method === 'PUT' ? wanted : []) {
    const isTrait = /^CUSTOM_[A-Z0-9_]+$/.test(trait) || standardTrait.test(trait);
    if (!isTrait)
      throw refusal(
        400,
        `Schema error for body: '${trait}' is not valid under any of the given schemas. Possible root cause: ` +
          `'${trait}' does not match '^CUSTOM_[A-Z0-9_]+$'`,
      );
  }
  assertUnlocked(node);
  node.traits = name === undefined && method === 'DELETE' ? [] : [...wanted].sort();
  return { status: 204 };
}

interface Validation {
  readonly result: boolean;
  readonly reason?: string;
}

const validated = [
  'boot',
  'deploy',
  'management',
  'network',
  'power',
  'bios',
  'console',
  'inspect',
  'raid',
  'rescue',
  'storage',
];

/**
 * What the interfaces say of the node: what the test made them say, else what little is known of
 * the real ones.
 */
export function validationOf(double: IronicDouble, node: StoredNode): Readonly<Record<string, Validation>> {
  const reasonOf = (kind: string): string | undefined =>
    double.invalid[`${node.name}/${kind}`] ??
    double.invalid[`${node.uuid}/${kind}`] ??
    double.invalid[kind] ??
    knownFault(double, node, kind);
  const validate = (kind: string): Validation => {
    const reason = reasonOf(kind);
    return reason === undefined ? { result: true } : { result: false, reason };
  };
  return Object.fromEntries(validated.map((kind) => [kind, validate(kind)]));
}

function knownFault({ ports }: IronicDouble, node: StoredNode, kind: string): string | undefined {
  const record = recordOf(node);
  const { driver, instance_info: info } = record as { driver: string; instance_info: Values };
  const used = record[`${kind}_interface`];
  if (used === 'ipmitool' && node.driver_info['ipmi_address'] === undefined)
    return "Missing the following IPMI credentials in node's driver_info: ['ipmi_address'].";
  if (used === `no-${kind}`) return `Driver ${driver} does not support ${kind} (disabled or not implemented).`;
  const hasPort = ports.some(({ node_uuid: owner }) => owner === node.uuid);
  if (record['boot_interface'] === 'pxe' && !hasPort && (kind === 'boot' || used === 'direct'))
    return `Node ${node.uuid} does not have any port associated with it`;
  if (used !== 'direct') return undefined;
  if (!info['image_source'])
    return (
      `Node ${node.uuid} failed to validate deploy image info. Some parameters were missing. Missing are: ` +
      "['instance_info.image_source']"
    );
  const { image_checksum: checksum, image_os_hash_algo: algorithm, image_os_hash_value: hash } = info;
  const isHttp = /^https?:/i.test(String(info['image_source']));
  if (!isHttp || (!algorithm === !hash && (hash || checksum))) return undefined;
  return (
    `image_source's "image_checksum", or "image_os_hash_algo" and "image_os_hash_value" must be provided in ` +
    `instance_info for node ${node.uuid}`
  );
}

function assertDeployable(double: IronicDouble, node: StoredNode): void {
  const validation = validationOf(double, node);
  const reason = validation['power']?.reason ?? validation['deploy']?.reason;
  if (reason !== undefined)
    throw refusal(400, `Failed to validate deploy or power info for node ${node.uuid}: ${reason}`);
}

function assertInspectable(double: IronicDouble, node: StoredNode): void {
  const { power, inspect } = validationOf(double, node);
  const reason = power?.reason ?? inspect?.reason;
  if (reason !== undefined) throw refusal(400, reason);
}

/** Throws the refusal of a node that is locked. */
export function assertUnlocked(node: StoredNode): void {
  const { reservation } = node;
  if (typeof reservation === 'string')
    throw refusal(
      409,
      `Node ${node.uuid} is locked by host ${reservation}, please retry after the current operation is completed.`,
    );
}

export function protectedRefusal({ uuid }: StoredNode): Refusal {
  return refusal(403, `Node ${uuid} is protected and cannot be undeployed, rebuilt or deleted`);
}

/** `GET states`. */
export function statesOf(node: StoredNode): Answer {
  const keys = [
    'console_enabled',
    'last_error',
    'power_state',
    'provision_state',
    'target_power_state',
    'target_provision_state',
    'provision_updated_at',
    'raid_config',
    'target_raid_config',
  ];
  const record = recordOf(node);
  return { status: 200, body: Object.fromEntries(keys.map((key) => [key, record[key]])) };
}
