// Loaded before a program by NODE_OPTIONS=--require: kills it before its n-th step that changes the disk, n being KILL_AT. What kill -9 cannot
// show is left out: a folder that is there already, and what was not yet synced.
const { readlinkSync } = require('node:fs');
const promises = require('node:fs/promises');

let steps = 0;

/** Only what happens below this folder counts, or through an open file: where these go is not told. */
const folder = process.env.KILL_BELOW;

function step() {
  steps += 1;
  if (steps === Number(process.env.KILL_AT)) process.kill(process.pid, 'SIGKILL');
}

function guard(object, name, concerns) {
  const original = object[name];
  object[name] = function guarded(...args) {
    if (concerns(args)) step();
    return original.apply(this, args);
  };
}

/** Folders are reached by their descriptors, so that nobody can put a link in their place. */
function namedPath(path) {
  return path.replace(/^\/proc\/self\/fd\/\d+/, (descriptor) => {
    try {
      return readlinkSync(descriptor);
    } catch {
      return descriptor;
    }
  });
}

const isBelow = (path) => typeof path === 'string' && namedPath(path).startsWith(folder);
for (const name of ['rename', 'symlink', 'unlink', 'rm', 'chmod', 'utimes', 'copyFile']) {
  guard(promises, name, (args) => args.some(isBelow));
}

const open = promises.open;
let isPatched = false;
promises.open = async function opened(...args) {
  const handle = await open.apply(this, args);
  if (!isPatched && isBelow(args[0])) {
    isPatched = true;
    for (const name of ['write', 'writeFile', 'truncate', 'chmod', 'utimes'])
      guard(Object.getPrototypeOf(handle), name, () => true);
  }
  return handle;
};
