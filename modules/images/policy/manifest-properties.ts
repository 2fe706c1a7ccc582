// Which properties a manifest may give to its image. It may describe an image, but not control how
// a service treats it, nor refer to resources of a site.
import { imageAttributes } from '../../core/image-attributes.js';

/**
 * Attributes of Glance, their names in older clients and in the API v1, and what these tools
 * reserve. No site can allow them.
 */
const reserved: ReadonlySet<string> = new Set([
  ...imageAttributes,
  'is_public',
  'metadata',
  'data',
  'store',
  'current',
  '__proto__',
]);
const reservedPrefixes = ['image_tools_', 'os_glance', 'owner_specified.'];

/**
 * Properties that refer to a resource of the site, or turn an image into something else: a
 * snapshot, which image_clean never deletes; the owner of a key, which is deleted with the image; a
 * part of another image. A central manifest has no use for them, so no site can allow them.
 */
const dangerous: ReadonlySet<string> = new Set([
  ...[
    'image_type',
    'base_image_ref',
    'image_location',
    'image_state',
    'instance_uuid',
    'user_id',
    'owner_id',
    'project_id',
    'tenant_id',
    'owner_project_name',
    'owner_user_name',
  ],
  ...[
    'kernel_id',
    'ramdisk_id',
    'block_device_mapping',
    'block_device_mapping_v2',
    'bdm_v2',
    'mappings',
    'root_device_name',
    'boot_roles',
    'volume_id',
    'snapshot_id',
    'volume_image_metadata',
  ],
]);
const dangerousPrefixes = ['cinder_encryption_', 'img_signature', 'signature_'];

/** Properties that describe the operating system in an image. They are always allowed. */
const describingProperties: readonly string[] = ['os_distro', 'os_version', 'os_type', 'architecture'];

/**
 * Properties that Nova (objects/image_meta.py and its legacy names), Cinder, Glance, Ironic and
 * their drivers read, by name or by namespace. Namespaces are dropped completely, because a
 * property that is added to one later would have a meaning then.
 */
const meaningful: ReadonlySet<string> = new Set([
  ...[
    'architecture',
    'auto_disk_config',
    'bittorrent',
    'cache_in_nova',
    'clean_attempts',
    'hypervisor_type',
    'hypervisor_version_requires',
    'ipxe_boot',
    'min_ram',
    'min_disk',
    'requires_rdma',
  ],
  ...[
    'network_allocated',
    'vm_mode',
    'device_name',
    'ephemeral_gb',
    'swap_mb',
    'compute_driver',
    'vgpu',
    'hide_hypervisor_id',
    'spice_streaming',
    'stores',
    'multiattach',
    'bootable',
    'properties',
  ],
]);
const meaningfulPrefixes = [
  ...[
    'hw_',
    'img_',
    'os_',
    'trait:',
    'resources:',
    'capabilities:',
    'quota:',
    'cinder_',
    'glance_',
    'nova_',
    'ironic_',
    'neutron_',
    'aggregate_instance_extra_specs:',
  ],
  ...[
    'vmware_',
    'xenapi_',
    'powervm_',
    'hyperv_',
    'libvirt_',
    'libvirt:',
    'kvm_',
    'lxc_',
    'vz_',
    'zvm_',
    'instance_type_',
    'instance_',
    'baremetal_',
    'deploy_',
    'volume_',
    'rbd_',
    'spice_',
  ],
];

export type PropertyVerdict = 'allowed' | 'reserved' | 'meaningful';

/**
 * Judges a property by its name, ignoring case. `allowed`: what a site allows in addition to the
 * describing properties; `hw_*` means all names with that prefix.
 */
export function judgeProperty(name: string, allowed: readonly string[]): PropertyVerdict {
  const lower = name.toLowerCase();
  if (isNeverAllowed(lower))
    return dangerous.has(lower) || startsWithAny(lower, dangerousPrefixes) ? 'meaningful' : 'reserved';
  if ([...describingProperties, ...allowed].some((pattern) => isNamedBy(lower, pattern.toLowerCase())))
    return 'allowed';
  return meaningful.has(lower) || startsWithAny(lower, meaningfulPrefixes) ? 'meaningful' : 'allowed';
}

/** Why a site cannot allow a property; undefined if it can. */
export function allowedPropertyRefusal(pattern: string): string | undefined {
  const lower = pattern.toLowerCase();
  if (!/^[\w.:-]{1,255}\*?$/.test(pattern))
    return `${JSON.stringify(pattern)} is not the name of a property or a prefix followed by *`;
  if (isNeverAllowed(lower))
    return (
      `${pattern} is reserved by Glance or these tools, or refers to resources of a site, and cannot be set by a ` +
      'manifest'
    );
  return undefined;
}

/** True for a name, in lower case, that neither a manifest nor a site may give to the images of a catalogue. */
export function isNeverAllowed(lower: string): boolean {
  return (
    reserved.has(lower) ||
    dangerous.has(lower) ||
    startsWithAny(lower, reservedPrefixes) ||
    startsWithAny(lower, dangerousPrefixes)
  );
}

function isNamedBy(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}
