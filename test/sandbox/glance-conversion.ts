// What a Glance makes of data on import if its site has enabled the plugins for it.

import { gunzipSync } from 'node:zlib';

import type { GlanceState, StoredImage } from './glance-image.js';

/** The data after all plugins, which also change the image. A disk is converted to zeros of its size. */
export function convertedOnImport({ plugins }: GlanceState, image: StoredImage, data: Buffer): Buffer {
  const isGzip = data.subarray(0, 3).equals(Buffer.from([0x1f, 0x8b, 8]));
  const plain = plugins.decompression && isGzip ? gunzipSync(data) : data;
  const { conversion } = plugins;
  if (conversion === undefined || image.disk_format === conversion) return plain;
  const diskBytes = image.disk_format === 'qcow2' ? Number(plain.readBigUInt64BE(24)) : plain.length;
  const bytes = plugins.convertedBytes ?? diskBytes;
  Object.assign(image, { disk_format: conversion, container_format: 'bare' });
  return Buffer.alloc(bytes);
}
