// What each executable does first: it runs the program in it, with V8's compiled code of an earlier
// run if there is some. Half of the time that a short run takes would go into compiling.
//
// The text of this module is a part of each executable, so it imports nothing but Node.js itself.
import crypto = require('node:crypto');
import fs = require('node:fs');
import path = require('node:path');
import url = require('node:url');
import vm = require('node:vm');

const digestBytes = 32;
const mostFiles = 32;

/**
 * Runs the text of a program, which is ASCII: a function of `require` and of the URL of its file.
 * Keeps its compiled code in `$XDG_CACHE_HOME/chameleon_image_tools`, by default in `~/.cache`,
 * where the next run finds it.
 * Compiled code is executed without being looked at, so it is only read from and written to a folder
 * and files that this user owns and no other may write, in a home of which that is true too. In all
 * other cases, and with NODE_DISABLE_COMPILE_CACHE as for Node.js's own cache, the text is compiled,
 * as without this. Nothing about the cache ever fails a run.
 */
function startProgram(program: Buffer, requireBuiltin: NodeJS.Require): unknown {
  const filename = path.resolve(process.argv[1] ?? '');
  process.argv[1] = filename;
  const folder = attempt(cacheFolder);
  const file = folder && path.join(folder, nameFor(program));
  const cachedData = file && attempt(() => readCode(file));
  const script = new vm.Script(program.toString('latin1'), { filename, ...(cachedData ? { cachedData } : {}) });
  if (folder && file && (!cachedData || script.cachedDataRejected)) {
    // V8 drops the code of functions that were not called for a while, and takes code only if it was
    // made with the options that it has itself. As options of Node.js they would slow its start.
    const v8: typeof import('node:v8') = requireBuiltin('node:v8');
    v8.setFlagsFromString('--no-flush-bytecode');
    // At the end, because functions are compiled when they are called first.
    process.on('exit', () => {
      v8.setFlagsFromString('--flush-bytecode');
      attempt(() => writeCode(folder, file, script.createCachedData()));
    });
  }
  return script.runInThisContext()(requireBuiltin, url.pathToFileURL(filename).href);
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function digestOf(...data: readonly (Buffer | string)[]): Buffer {
  return data.reduce((hash, part) => hash.update(part), crypto.createHash('sha256')).digest();
}

/** V8 itself refuses code of another version or made with other options, and each has its own here. */
function nameFor(program: Buffer): string {
  const compiler = JSON.stringify([process.version, process.arch, process.env.NODE_OPTIONS, process.execArgv]);
  return digestOf(compiler, program).toString('hex');
}

function isOwn({ uid, mode }: fs.Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** Makes the folder, if what it is in is this user's alone. Undefined if there is none to be used. */
function cacheFolder(): string | undefined {
  const { XDG_CACHE_HOME: given, HOME: home, NODE_DISABLE_COMPILE_CACHE: isDisabled } = process.env;
  if (isDisabled || !home?.startsWith('/')) return undefined;
  const parent = given?.startsWith('/') ? given : path.join(home, '.cache');
  const folder = path.join(parent, 'chameleon_image_tools');
  for (const made of [parent, folder]) {
    if (!isOwn(fs.statSync(path.dirname(made)))) return undefined;
    attempt(() => fs.mkdirSync(made, { mode: 0o700 }));
  }
  const found = fs.lstatSync(folder);
  return found.isDirectory() && isOwn(found) ? folder : undefined;
}

/** The compiled code, which is kept after its digest; undefined if it is not to be trusted. */
function readCode(file: string): Buffer | undefined {
  const descriptor = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const found = fs.fstatSync(descriptor);
    if (!found.isFile() || !isOwn(found)) return undefined;
    const content = fs.readFileSync(descriptor);
    const code = content.subarray(digestBytes);
    return digestOf(code).equals(content.subarray(0, digestBytes)) ? code : undefined;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Writes a complete file or none, and removes those that were written longest ago. */
function writeCode(folder: string, file: string, code: Buffer): void {
  const unfinished = `${file}.${crypto.randomBytes(6).toString('hex')}`;
  try {
    fs.writeFileSync(unfinished, Buffer.concat([digestOf(code), code]), { flag: 'wx', mode: 0o600 });
    fs.renameSync(unfinished, file);
  } finally {
    fs.rmSync(unfinished, { force: true });
  }
  const written = fs.readdirSync(folder).map((name) => path.join(folder, name));
  const ages = new Map(written.map((name) => [name, attempt(() => fs.lstatSync(name).mtimeMs) ?? 0]));
  written.sort((one, other) => (ages.get(other) ?? 0) - (ages.get(one) ?? 0));
  for (const old of written.slice(mostFiles)) fs.rmSync(old, { force: true });
}

export = startProgram;
