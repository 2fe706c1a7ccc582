// Small real disk images, made by qemu-img, of random content.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const mib = 1024 * 1024;

export interface DiskOptions {
  readonly format?: 'qcow2' | 'raw';
  /** Of random content; the file of a qcow2 is a little larger. */
  readonly bytes?: number;
  /** As `qemu-img resize` reads it; only for qcow2. */
  readonly virtualSize?: string;
}

/** The content of a disk image. */
export function makeDisk({ format = 'qcow2', bytes = mib, virtualSize }: DiskOptions = {}): Buffer {
  // The first sector is as good as empty, or chance would now and then make it look like another
  // format.
  const content = Buffer.concat([Buffer.alloc(512), randomBytes(bytes - 512)]);
  if (format === 'raw') return content;
  return inFolder((folder) => {
    const [raw, qcow2] = [join(folder, 'disk.raw'), join(folder, 'disk.qcow2')];
    writeFileSync(raw, content);
    execFileSync('qemu-img', ['convert', '-q', '-f', 'raw', '-O', 'qcow2', raw, qcow2]);
    if (virtualSize) execFileSync('qemu-img', ['resize', '-q', qcow2, virtualSize]);
    return readFileSync(qcow2);
  });
}

/** A qcow2 that wants another file beside it. */
export function makeDiskWithBackingFile(): Buffer {
  return inFolder((folder) => {
    const [base, overlay] = [join(folder, 'base.qcow2'), join(folder, 'overlay.qcow2')];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, '1M']);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', overlay]);
    return readFileSync(overlay);
  });
}

/**
 * A disk in one of QEMU's formats, with its options; the file that names the others where there are
 * several.
 */
export function makeDiskAs(format: string, options = ''): Buffer {
  return inFolder((folder) => {
    const secret = ['--object', 'secret,id=key,data=not-a-secret'];
    const create = (): Buffer =>
      execFileSync(
        'qemu-img',
        [
          'create',
          '-q',
          ...(options.includes('secret') ? secret : []),
          '-f',
          format,
          ...(options ? ['-o', options] : []),
          'disk',
          '1M',
        ],
        { cwd: folder, stdio: 'pipe' },
      );
    // For LUKS it measures how fast the processor is, which fails now and then on one that is busy.
    for (let attempt = 1; ; attempt++) {
      try {
        create();
        return readFileSync(join(folder, 'disk'));
      } catch (error) {
        if (attempt === 5 || !String(error).includes('Unable to get accurate CPU usage')) throw error;
      }
    }
  });
}

export function makeQcow2(options: string): Buffer {
  return makeDiskAs('qcow2', options);
}

/** A raw disk that ends in the footer of a fixed VHD. */
export function makeRawVhd(bytes: number): Buffer {
  const content = makeDisk({ format: 'raw', bytes });
  content.write('conectix', bytes - 512);
  return content;
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
