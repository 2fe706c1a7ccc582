// Makes the README of the packed role stand alone: what the archive has next to the role, such as
// defaults.yml, is next to the page there, and everything else is read in the repository. Run by
// scripts/dist with the folder of the role.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withReachableLinks } from './collection-links.js';
import { readGalaxy } from './galaxy.js';

const role = 'roles/chameleon_image_tools/';
const [packed] = process.argv.slice(2);
if (packed === undefined) throw new Error('give the folder of the packed role');

const path = join(packed, 'README.md');
const text = readFileSync(path, 'utf8').replace(/(?<=\]\()\.\.\/\.\.\/([^)\s#]+)(?=\))/g, (link, target: string) =>
  existsSync(join(packed, target)) ? target : link,
);
writeFileSync(
  path,
  withReachableLinks(text, {
    page: `${role}README.md`,
    has: (target) => target.startsWith(role) && existsSync(join(packed, target.slice(role.length))),
    files: `${readGalaxy().repository}/blob/main`,
  }),
);
