// The first lines of each bundle, which are shell script and JavaScript at the same time. sh runs
// them, finds a Node.js that is new enough and runs the same file with it; for JavaScript they are
// a string and a comment. Needed because `#!/usr/bin/env node` no longer works as a module's first
// line since ansible-core 2.17.1, and because a site's Node.js may be anywhere. Deprecation
// warnings of the bundled packages are for this project, so users do not see them.

export type LauncherKind = 'module' | 'command';

const oldestNode = 18;
const placesOfNode = ['/usr/local/bin/node', '/opt/chameleon_image_tools/node/bin/node'];
const advice = `Node.js ${oldestNode} or newer is needed on this host`;

/**
 * Without Node.js, the launcher of a module answers in JSON; that of a command writes to stderr and
 * exits with 1.
 */
export function launcherFor(kind: LauncherKind): string {
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
  if [ "$version" -ge ${oldestNode} ]; then exec "$node" --no-deprecation "$0" "$@"; fi
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
