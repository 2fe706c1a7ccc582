// The attributes that Glance's schema gives to every image. Any other key of an image is a
// property.

/**
 * Image API v2: glance/api/v2/images.py, get_base_properties, the read-only and the reserved ones.
 */
export const imageAttributes: ReadonlySet<string> = new Set([
  'id',
  'name',
  'status',
  'visibility',
  'protected',
  'os_hidden',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'size',
  'virtual_size',
  'container_format',
  'disk_format',
  'created_at',
  'updated_at',
  'deleted',
  'deleted_at',
  'min_disk',
  'min_ram',
  'owner',
  'tags',
  'location',
  'locations',
  'direct_url',
  'file',
  'self',
  'schema',
  'stores',
  'members',
]);
