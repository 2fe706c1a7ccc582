// The first lines of each bundle, which are shell script and JavaScript at the same time. sh runs
// them, finds a Node.js that is new enough and runs the same file with it; for JavaScript they are
// a string and a comment. Needed because `#!/usr/bin/env node` no longer works as a module's first
// line since ansible-core 2.17.1, and because a site's Node.js may be anywhere. Deprecation
// warnings of the bundled packages are for this project, so users do not see them.
import { readFileSync } from 'node:fs';

export type LauncherKind = 'module' | 'command';

const oldestNode = 18;
const placesOfNode = ['/usr/local/bin/node', '/opt/chameleon_image_tools/node/bin/node'];
const advice = `Node.js ${oldestNode} or newer is needed on this host`;

/** Begins each part of an executable but the first. */
const cut = '\n//# part\n';
/**
 * Runs the program of the file that is its first argument, see startProgram. A buffer is searched
 * faster than a text.
 */
const start =
  `const file=require("fs").readFileSync(process.argv[1]),cut=${JSON.stringify(cut)},` +
  'start=file.indexOf(cut),program=file.indexOf(cut,start+1),own={};' +
  'eval(file.toString("latin1",start,program))(require,own);' +
  'own.exports(file.subarray(program,file.lastIndexOf(cut)),require)';

/** The text of that module, without the name of a file that users do not have. */
const startProgram = readFileSync(new URL('start-program.cjs', import.meta.url), 'utf8').replace(
  /^\/\/# sourceMappingURL=.*$/m,
  '',
);

/**
 * An executable of the text of a program in ASCII that uses `require` and `moduleUrl`, the URL of
 * its file.
 * Throws if it cannot be one.
 * Node.js also runs the file without the launcher, as the ES module that its name says it is.
 */
export function executableOf(program: string, kind: LauncherKind): string {
  const parts = [
    `${launcherFor(kind, `-e '${start}' "$0"`)}import { createRequire } from 'node:module';`,
    `(function (require, module) {${startProgram}})`,
    `;(async function (require, moduleUrl) {${program}\n})`,
    '(createRequire(import.meta.url), import.meta.url);\n',
  ];
  if (parts.some((part) => part.includes(cut))) throw new Error(`the program contains ${JSON.stringify(cut)}`);
  return parts.join(cut);
}

/**
 * Without Node.js, the launcher of a module answers in JSON; that of a command writes to stderr and
 * exits with 1. With it, it is run with these arguments, by default the file itself.
 */
export function launcherFor(kind: LauncherKind, nodeArguments = '"$0"'): string {
  const refuse = (reason: string): string =>
    kind === 'module'
      ? `printf '{"changed": false, "failed": true, "code": "NODE_MISSING", "msg": "%s"}\\n' "${reason}"; exit 0`
      : `printf 'chameleon-image-tools: %s\\n' "${reason}" >&2; exit 1`;
  return `#!/bin/sh
':' /* ${kind === 'module' ? 'WANT_JSON ' : ''}2>/dev/null
run() {
  node=$1; shift
  version=$("$node" --version 2>/dev/null) || return 0
  version=\${version#v}; version=\${version%%.*}
  case $version in ''|*[!0-9]*) return 0;; esac
  if [ "$version" -ge ${oldestNode} ]; then exec "$node" --no-deprecation ${nodeArguments} "$@"; fi
  found="; found only version $version"
}
found=
if [ -n "$CHAMELEON_IMAGE_TOOLS_NODE" ]; then
  run "$CHAMELEON_IMAGE_TOOLS_NODE" "$@"
  ${refuse(`${advice}: CHAMELEON_IMAGE_TOOLS_NODE does not name one$found`)}
fi
for candidate in node nodejs ${placesOfNode.join(' ')}; do run "$candidate" "$@"; done
${refuse(
  `${advice}: looked for node and nodejs in PATH, ${placesOfNode.join(', ')}; ` +
    'CHAMELEON_IMAGE_TOOLS_NODE may name another$found',
)}
*/
`;
}
