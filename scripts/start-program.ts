// What each executable does first: it runs the program in it, with V8's compiled code of an earlier
// run if there is some. Half of the time that a short run takes would go into compiling.

/**
 * Runs the text of a program, which is ASCII: a function of `require` and of the URL of its file.
 * Keeps its compiled code in `$XDG_CACHE_HOME/chameleon_image_tools`, by default in `~/.cache`,
 * where the next run finds it.
 * Compiled code is executed without being looked at, so it is only read from and written to a folder
 * and files that this user owns and no other may write, in a home of this user's. In all other cases,
 * and with NODE_DISABLE_COMPILE_CACHE as for Node.js's own cache, the text is compiled, as without
 * this. Nothing about the cache ever fails a run.
 *
 * The text of this function becomes a part of each executable, so it uses nothing from outside.
 */
export function startProgram(program: Buffer, require: NodeJS.Require): unknown {
  const fs: typeof import('node:fs') = require('node:fs');
  const { join, resolve }: typeof import('node:path') = require('node:path');
  const { createHash, randomBytes }: typeof import('node:crypto') = require('node:crypto');
  const { pathToFileURL }: typeof import('node:url') = require('node:url');
  const { Script }: typeof import('node:vm') = require('node:vm');
  const { XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE, NODE_OPTIONS } = process.env;
  const user = process.geteuid?.();
  const digestBytes = 32;
  const mostFiles = 32;

  const digestOf = (...data: readonly (Buffer | string)[]): Buffer =>
    data.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  const isOwn = ({ uid, mode }: import('node:fs').Stats): boolean => uid === user && (mode & 0o022) === 0;
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch {
      return undefined;
    }
  };

  /** Makes the folder, if what it is in is this user's. */
  function cacheFolder(): string | undefined {
    if (NODE_DISABLE_COMPILE_CACHE || user === undefined || !HOME?.startsWith('/')) return undefined;
    const parent = XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : join(HOME, '.cache');
    const folder = join(parent, 'chameleon_image_tools');
    for (const made of [parent, folder]) {
      if (fs.statSync(join(made, '..')).uid !== user) return undefined;
      attempt(() => fs.mkdirSync(made, { mode: 0o700 }));
    }
    const found = fs.lstatSync(folder);
    return found.isDirectory() && isOwn(found) ? folder : undefined;
  }

  /** The compiled code, after its digest. */
  function read(path: string): Buffer | undefined {
    const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      const found = fs.fstatSync(file);
      if (!found.isFile() || !isOwn(found)) return undefined;
      const content = fs.readFileSync(file);
      const code = content.subarray(digestBytes);
      return digestOf(code).equals(content.subarray(0, digestBytes)) ? code : undefined;
    } finally {
      fs.closeSync(file);
    }
  }

  /** Writes a complete file or none, and removes those of versions that were long not written. */
  function write(folder: string, path: string, code: Buffer): void {
    const unfinished = `${path}.${randomBytes(6).toString('hex')}`;
    try {
      fs.writeFileSync(unfinished, Buffer.concat([digestOf(code), code]), { flag: 'wx', mode: 0o600 });
      fs.renameSync(unfinished, path);
    } finally {
      fs.rmSync(unfinished, { force: true });
    }
    const written = fs.readdirSync(folder).map((name) => join(folder, name));
    const ages = new Map(written.map((file) => [file, attempt(() => fs.lstatSync(file).mtimeMs) ?? 0]));
    written.sort((one, other) => (ages.get(other) ?? 0) - (ages.get(one) ?? 0));
    for (const file of written.slice(mostFiles)) fs.rmSync(file, { force: true });
  }

  const filename = resolve(process.argv[1] ?? '');
  process.argv[1] = filename;
  const folder = attempt(cacheFolder);
  // V8 itself refuses code of another version or made with other options, and each has its own here.
  const compiler = JSON.stringify([process.version, process.arch, NODE_OPTIONS, process.execArgv]);
  const name = digestOf(compiler, program).toString('hex');
  const path = folder === undefined ? undefined : join(folder, name);
  const cachedData = path === undefined ? undefined : attempt(() => read(path));
  const script = new Script(program.toString('latin1'), { filename, ...(cachedData && { cachedData }) });
  if (folder !== undefined && path !== undefined && (!cachedData || script.cachedDataRejected)) {
    // At the end, because functions are compiled when they are called first.
    process.on('exit', () => attempt(() => write(folder, path, script.createCachedData())));
  }
  return script.runInThisContext()(require, pathToFileURL(filename).href);
}
