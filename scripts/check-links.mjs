#!/usr/bin/env node
// Checks that every relative link in the Markdown of this repository leads to a file of the
// repository, and every anchor to a heading. Links to other sites are not followed: a check that
// needs the network fails for reasons that are not ours.
//   usage: scripts/check-links.mjs [FOLDER]
// FOLDER is a checkout or a copy of one, this one unless given. Prints `file:line: what is wrong`
// for each broken link and exits with 1 if there is any.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders that a copy may hold besides the project's own files. */
const notOurs = new Set(['.git', '.cloud', '.nodes', 'node_modules', 'build', 'dist']);
const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..');
const files = listFiles(root);
const folders = new Set([...files].flatMap(parentsOf));
const pages = new Map(
  [...files]
    .filter((file) => file.endsWith('.md'))
    .map((file) => [file, readPage(readFileSync(join(root, file), 'utf8'))]),
);

const faults = [...pages].flatMap(([file, { links }]) =>
  links.flatMap(({ target, line }) => {
    const fault = faultOf(file, target);
    return fault === undefined ? [] : [`${file}:${line}: ${fault}`];
  }),
);
const count = [...pages.values()].reduce((sum, { links }) => sum + links.length, 0);
if (faults.length > 0) console.error(faults.join('\n'));
else console.log(`check-links: ${count} links in ${pages.size} files`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** What git tracks or would track: what only a build writes is missing for everybody else. */
function listFiles(folder) {
  try {
    const git = (...options) =>
      execFileSync('git', ['-C', folder, 'ls-files', '-z', ...options], { encoding: 'utf8', stdio: 'pipe' }).split(
        '\0',
      );
    const gone = new Set(git('--deleted'));
    return new Set(git('--cached', '--others', '--exclude-standard').filter((file) => !gone.has(file)));
  } catch {
    return new Set(filesBelow(folder, ''));
  }
}

/** For a copy without a repository. */
function filesBelow(folder, path) {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const name = posix.join(path, entry.name);
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : filesBelow(folder, name);
    return entry.isFile() ? [name] : [];
  });
}

function parentsOf(file) {
  const parent = posix.dirname(file);
  return parent === '.' ? ['.'] : [parent, ...parentsOf(parent)];
}

/** The links and anchors of a page. Code has neither and is blanked; lines keep their numbers. */
function readPage(text) {
  const prose = withoutCode(text);
  return { links: linksIn(prose), anchors: anchorsIn(text, prose) };
}

function withoutCode(text) {
  let fence;
  const lines = text.split('\n').map((line) => {
    const [, mark] = /^\s*(?:>\s*)*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence === undefined && mark === undefined) return line;
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence)) fence = undefined;
    return '';
  });
  const blank = (match) => match.replace(/[^\n]/g, ' ');
  return lines
    .join('\n')
    .replace(/<!--.*?-->/gs, blank)
    .replace(/(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\1(?!`)/gs, blank);
}

function linksIn(prose) {
  const inline = /\]\(\s*(?:<([^>\n]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/g;
  const definition = /^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)>?/gm;
  return [...prose.matchAll(inline), ...prose.matchAll(definition)].map((match) => ({
    target: match[1] ?? match[2] ?? '',
    line: prose.slice(0, match.index).split('\n').length,
  }));
}

/**
 * As GitHub makes them: of each heading, and of elements with an id or a name. A repeated heading
 * gets a number.
 */
function anchorsIn(text, prose) {
  const texts = text.split('\n');
  const seen = new Map();
  const headings = prose.split('\n').flatMap((line, index) => {
    if (!/^ {0,3}#{1,6}\s/.test(line)) return [];
    const slug = slugOf((texts[index] ?? '').replace(/^\s*#+\s+|\s+#*\s*$/g, ''));
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return [times === 0 ? slug : `${slug}-${times}`];
  });
  const elements = [...prose.matchAll(/<\w+\s[^>]*\b(?:id|name)="([^"]+)"/g)].map(([, id]) => id);
  return new Set([...headings, ...elements]);
}

function slugOf(heading) {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replace(/ /g, '-');
}

function faultOf(file, target) {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return undefined;
  if (target === '') return 'a link leads nowhere';
  const [path = '', anchor] = target.split('#');
  const found = decoded(path);
  if (found === undefined) return `${target} is not a valid URL`;
  if (found.startsWith('/')) return `${target} is absolute; write it relative to this file`;
  const place = path === '' ? file : posix.join(posix.dirname(file), found).replace(/(?<=.)\/$/, '');
  if (!files.has(place) && !folders.has(place)) return `${target} does not exist`;
  if (anchor === undefined || !pages.has(place)) return undefined;
  return pages.get(place).anchors.has(decoded(anchor)) ? undefined : `${target}: ${place} has no such heading`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
