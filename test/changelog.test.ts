// The changelog, in the format of antsibull-changelog, which Galaxy and Ansible's site read.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { root } from '../scripts/declarations.js';

interface Configuration {
  readonly sections: readonly (readonly [string, string])[];
  readonly prelude_section_name: string;
  readonly ignore_other_fragment_extensions: boolean;
}

interface Release {
  readonly release_date: string;
  readonly changes?: Readonly<Record<string, unknown>>;
  readonly fragments?: readonly string[];
}

const folder = join(root, 'changelogs');
const configuration = readYaml('config.yaml') as Configuration;

function readYaml(path: string): unknown {
  return parse(readFileSync(join(folder, path), 'utf8'), { version: '1.1', uniqueKeys: true });
}

/** What antsibull-changelog would refuse in a fragment, or in the changes of a release. */
function faultsOfChanges(label: string, changes: unknown): string[] {
  const sections = [...configuration.sections.map(([name]) => name), 'trivial'];
  return Object.entries(changes as Readonly<Record<string, unknown>>).flatMap(([section, entries]) => {
    if (section === configuration.prelude_section_name)
      return typeof entries === 'string' ? [] : [`${label}: ${section} must be one text`];
    if (!sections.includes(section)) return [`${label}: there is no section ${section}`];
    if (!Array.isArray(entries)) return [`${label}: ${section} must be a list`];
    return entries.flatMap((entry) => faultsOfEntry(`${label}: ${section}`, entry));
  });
}

/** Entries are reStructuredText, where code has two backquotes. */
function faultsOfEntry(label: string, entry: unknown): string[] {
  if (typeof entry !== 'string') return [`${label}: an entry must be a text: ${JSON.stringify(entry)}`];
  const withoutCode = entry.replace(/``[^`]+``/g, '');
  return [
    ...(withoutCode.includes('`') ? [`${label}: code needs two backquotes: ${entry}`] : []),
    ...(/\]\(/.test(entry) ? [`${label}: a link in Markdown: ${entry}`] : []),
    ...(/^\S.* - \S/s.test(entry) ? [] : [`${label}: does not begin with what it concerns: ${entry}`]),
    ...(entry.trimEnd().endsWith('.') ? [] : [`${label}: does not end with a full stop: ${entry}`]),
  ];
}

test('every fragment can be released', () => {
  const names = readdirSync(join(folder, 'fragments')).filter((name) => name !== 'README.md');

  expect(configuration.ignore_other_fragment_extensions).toBe(true);
  expect(names.filter((name) => !/^[a-z0-9-]+\.ya?ml$/.test(name))).toEqual([]);
  expect(names.flatMap((name) => faultsOfChanges(name, readYaml(`fragments/${name}`)))).toEqual([]);
});

test('the sections are those that Ansible knows', () => {
  expect(configuration.sections.map(([name]) => name).sort()).toEqual([
    ...['breaking_changes', 'bugfixes', 'deprecated_features', 'known_issues', 'major_changes'],
    ...['minor_changes', 'removed_features', 'security_fixes'],
  ]);
});

test('changelog.yaml has the releases of CHANGELOG.md, and no other', () => {
  const { ancestor, releases } = readYaml('changelog.yaml') as {
    ancestor: string | null;
    releases: Readonly<Record<string, Release>>;
  };
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const told = [...text.matchAll(/^## v?(\d+\.\d+\.\d+\S*)/gm)].map(([, version]) => version);

  expect(ancestor).toBeNull();
  expect(Object.keys(releases).sort()).toEqual(told.sort());
  for (const [version, release] of Object.entries(releases)) {
    expect(release.release_date).toMatch(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/);
    expect(faultsOfChanges(version, release.changes ?? {})).toEqual([]);
  }
});
