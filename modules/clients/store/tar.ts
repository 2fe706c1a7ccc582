// The single file in a tar archive, while the archive passes (pax and GNU formats).
import { OperationError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/urls.js';

export interface TarMember {
  readonly name: string;
  readonly bytes: number;
}

const blockBytes = 512;
/** Names of files are short; anything longer is not metadata. */
const largestMetadataBytes = 1024 * 1024;

const types = { directory: '5', paxOfNext: 'x', paxOfAll: 'g', longName: 'L', longLink: 'K' } as const;

/**
 * The data of the only file. Directories do not count. Throws TAR_UNUSABLE if the archive has several
 * files or none, a link, a device or a sparse file, or is damaged or cut off; another file is found
 * before the last chunk is yielded.
 */
export async function* readFileInTar(
  chunks: AsyncIterable<Buffer>,
  url: string,
  onMember: (member: TarMember) => void = () => undefined,
): AsyncGenerator<Buffer, void, void> {
  const reader = blockReader(chunks, url);
  try {
    yield* readOnlyFile(reader, url, onMember);
  } finally {
    await reader.close();
  }
}

async function* readOnlyFile(
  reader: BlockReader,
  url: string,
  onMember: (member: TarMember) => void,
): AsyncGenerator<Buffer, void, void> {
  let found: TarMember | undefined;
  let last: Buffer | undefined;
  let extended = new Map<string, string>();
  for (;;) {
    const header = parseHeader(await reader.take(blockBytes), url);
    if (!header) break;
    const name = extended.get('path') ?? header.name;
    const bytes = extended.has('size') ? Number(extended.get('size')) : header.bytes;
    if (header.type === types.paxOfNext || header.type === types.paxOfAll) {
      const records = parsePax(await reader.metadata(header.bytes));
      if ([...records.keys()].some((key) => key.startsWith('GNU.sparse'))) throw unusable(url, 'has a sparse file');
      // Global records say nothing that matters here.
      if (header.type === types.paxOfNext) extended = new Map([...extended, ...records]);
      continue;
    }
    if (header.type === types.longName) {
      extended.set('path', textIn(await reader.metadata(header.bytes)));
      continue;
    }
    if (header.type === types.longLink) {
      await reader.metadata(header.bytes);
      continue;
    }
    extended = new Map();
    if (header.type === types.directory) continue;
    assertFile(header.type, name, url);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw unusable(url, `has no valid size of ${quoted(name)}`);
    if (found)
      throw unusable(url, `has several files (${quoted(found.name)}, ${quoted(name)}), of which one would be the disk`);
    found = { name, bytes };
    onMember(found);
    for await (const chunk of reader.file(bytes)) {
      if (last) yield last;
      last = chunk;
    }
  }
  if (!found) throw unusable(url, 'has no file');
  await reader.assertPadding();
  if (last) yield last;
}

interface Header extends TarMember {
  readonly type: string;
}

/** Undefined for the block of zeros at the end. */
function parseHeader(block: Buffer, url: string): Header | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== numberIn(block.subarray(148, 156))) throw unusable(url, 'is damaged: a header has another checksum');
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textIn(block.subarray(345, 500)) : '';
  const name = textIn(block.subarray(0, 100));
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    bytes: numberIn(block.subarray(124, 136)),
    type: String.fromCharCode(block[156] ?? 0),
  };
}

/** Octal digits, or since GNU tar a binary number for files beyond 8 GiB. */
function numberIn(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) {
    const digits = textIn(field).trim();
    return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
  }
  return field.subarray(1).reduce((total, byte) => total * 256 + byte, (field[0] ?? 0) & 0x7f);
}

function textIn(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Records such as `20 path=disk.raw\n`. */
function parsePax(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const [, digits] = /^(\d+) /.exec(content.toString('latin1', at, at + 20)) ?? [];
    if (digits === undefined || Number(digits) === 0) break;
    const record = content.toString('utf8', at + digits.length + 1, at + Number(digits) - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += Number(digits);
  }
  return records;
}

const refusedTypes: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
  S: 'a sparse file',
  M: 'a part of a file in several volumes',
};

function assertFile(type: string, name: string, url: string): void {
  if (type === '0' || type === '\0' || type === '7') return;
  throw unusable(url, `has ${refusedTypes[type] ?? 'something that is not a file'}, ${quoted(name)}`);
}

interface BlockReader {
  take(bytes: number): Promise<Buffer>;
  /** The content of a file, in chunks. */
  file(bytes: number): AsyncGenerator<Buffer, void, void>;
  /** The content of an entry that describes the next one. */
  metadata(bytes: number): Promise<Buffer>;
  /** Throws unless only zeros are left. */
  assertPadding(): Promise<void>;
  close(): Promise<void>;
}

function blockReader(chunks: AsyncIterable<Buffer>, url: string): BlockReader {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const next = async (): Promise<boolean> => {
    const { done, value } = await iterator.next();
    if (!done) rest = value;
    return !done;
  };
  async function* file(bytes: number): AsyncGenerator<Buffer, void, void> {
    for (let left = bytes; left > 0; ) {
      if (rest.length === 0 && !(await next())) throw unusable(url, 'is cut off');
      const part = rest.subarray(0, left);
      rest = rest.subarray(part.length);
      left -= part.length;
      if (part.length > 0) yield part;
    }
    await takePadding(bytes);
  }
  const take = async (bytes: number): Promise<Buffer> => {
    while (rest.length < bytes) {
      const before = rest;
      if (!(await next())) throw unusable(url, 'is cut off');
      rest = Buffer.concat([before, rest]);
    }
    const taken = rest.subarray(0, bytes);
    rest = rest.subarray(bytes);
    return taken;
  };
  /** Each content is filled up to a whole block. */
  const takePadding = (bytes: number): Promise<Buffer> => take((blockBytes - (bytes % blockBytes)) % blockBytes);
  return {
    take,
    file,
    metadata: async (bytes) => {
      if (!(bytes <= largestMetadataBytes)) throw unusable(url, 'has a header that is too large');
      const content = await take(bytes);
      await takePadding(bytes);
      return content;
    },
    assertPadding: async () => {
      do {
        if (rest.some((byte) => byte !== 0)) throw unusable(url, 'is followed by something else');
      } while (await next());
    },
    close: async () => void (await iterator.return?.()),
  };
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 99)}…` : name);
}

function unusable(url: string, why: string): OperationError {
  const shown = withoutCredentials(url);
  return new OperationError('TAR_UNUSABLE', `the archive ${shown} ${why}; it must have one file, the disk`, {
    url: shown,
  });
}
