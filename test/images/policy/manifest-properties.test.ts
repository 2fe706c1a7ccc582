import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeProperty, allowedPropertyRefusal } from '../../../modules/images/policy/manifest-properties.js';

describe('a manifest', () => {
  test.each([
    'build-distro',
    'build-timestamp',
    'something_new',
    'description',
    'chameleon-supported',
    'hw-firmware',
    'os_distro',
    'os_version',
    'os_type',
    'architecture',
    'Architecture',
    'repo',
  ])('may set %s', (name) => {
    expect(judgeProperty(name, [])).toBe('allowed');
  });

  test.each([
    'image_type',
    'base_image_ref',
    'Image_Type',
    'kernel_id',
    'ramdisk_id',
    'cinder_encryption_key_id',
    'cinder_encryption_key_deletion_policy',
    'img_signature',
    'img_signature_certificate_uuid',
    'block_device_mapping',
    'mappings',
    'bdm_v2',
    'root_device_name',
    'instance_uuid',
    'user_id',
    'owner_id',
    'image_location',
    'image_state',
    'boot_roles',
    'signature_verified',
  ])('may never set %s, whatever a site allows', (name) => {
    expect(judgeProperty(name, [name, `${name.slice(0, 2)}*`])).toBe('meaningful');
    expect(allowedPropertyRefusal(name)).toMatch(/cannot be set by a manifest/);
  });

  test.each([
    'hypervisor_type',
    'hw_firmware_type',
    'hw_qemu_guest_agent',
    'img_config_drive',
    'img_hide_hypervisor_id',
    'img_use_agent',
    'os_require_quiesce',
    'os_secure_boot',
    'os_hidden_thing',
    'os_shutdown_timeout',
    'trait:HW_CPU_X86_AVX',
    'trait:CUSTOM_X',
    'cinder_img_volume_type',
    'vm_mode',
    'vmware_adaptertype',
    'auto_disk_config',
    'instance_type_id',
    'cache_in_nova',
    'hypervisor_version_requires',
    'HW_machine_type',
    'capabilities:boot_mode',
  ])('may set %s only where the site allows it', (name) => {
    expect(judgeProperty(name, [])).toBe('meaningful');
    expect(judgeProperty(name, [name.toLowerCase()])).toBe('allowed');
    expect(judgeProperty(name, [`${name.slice(0, 3)}*`])).toBe('allowed');
    expect(allowedPropertyRefusal(name)).toBeUndefined();
  });

  test.each([
    'id',
    'owner',
    'visibility',
    'is_public',
    'image_tools_id',
    'os_glance_import_task',
    'os_glance',
    'owner_specified.openstack.md5',
    'current',
    'min_disk',
  ])('may not set %s, which is not a property of its own', (name) => {
    expect(judgeProperty(name, ['*', name])).toBe('reserved');
    expect(allowedPropertyRefusal(name)).toBeDefined();
  });
});

test.each(['', '*', 'a b', 'a/b', 'hw_*_type', 'x'.repeat(300)])('a site cannot allow %p', (pattern) => {
  expect(allowedPropertyRefusal(pattern)).toMatch(/is not the name of a property/);
});

test('case never changes the verdict, and allowing more never forbids', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^(hw_|os_|cinder_|image_|build-)?[a-z_]{1,12}$/),
      fc.array(fc.stringMatching(/^[a-z_]{1,4}\\*?$/)),
      (name, allowed) => {
        expect(judgeProperty(name.toUpperCase(), allowed)).toBe(judgeProperty(name, allowed));
        if (judgeProperty(name, []) === 'allowed') expect(judgeProperty(name, allowed)).toBe('allowed');
      },
    ),
  );
});
