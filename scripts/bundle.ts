// Bundles an entry file into one self-contained executable.
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { executableOf, type LauncherKind } from './launcher.js';

interface NccResult {
  readonly code: string;
  readonly assets: Readonly<Record<string, { readonly source: Buffer | string }>>;
}
interface NccOptions {
  readonly filename: string;
  readonly minify: boolean;
  readonly cache: false;
  readonly quiet: true;
  readonly externals: Readonly<Record<string, string>>;
  /** Name of the asset with the licences of all packages in the bundle. */
  readonly license?: string;
}
type Ncc = (entry: string, options: NccOptions) => Promise<NccResult>;

const ncc = createRequire(import.meta.url)('@vercel/ncc') as Ncc;

// node-fetch brings 64 KiB of web streams for old versions of Node.js. Supported versions have
// them; parsing them took a tenth of the start-up time.
const externals = { 'web-streams-polyfill/dist/ponyfill.es2018.js': 'node:stream/web' };

const licences = 'licences';

/**
 * Bundles `entry` into `target`, and returns its size and the licences of the packages in it.
 * Throws if the result would not run by itself, or if Ansible would not recognize it as a module.
 */
export async function bundle(
  entry: string,
  target: string,
  kind: LauncherKind,
): Promise<{ bytes: number; licences: string }> {
  const options: NccOptions = {
    filename: basename(target),
    minify: true,
    cache: false,
    quiet: true,
    externals,
    license: licences,
  };
  const { code, assets } = await ncc(entry, options);
  const text = executableOf(inAscii(asFunctionBody(code)), kind);
  const faults = faultsOf(
    text,
    Object.keys(assets).filter((name) => name !== licences),
    kind,
  );
  if (faults.length > 0) throw new Error(`${target} cannot be used:\n  ${faults.join('\n  ')}`);
  // Renamed into place, so that a run that starts during the build never reads an incomplete file.
  writeFileSync(`${target}.new`, text);
  chmodSync(`${target}.new`, 0o755);
  renameSync(`${target}.new`, target);
  return { bytes: Buffer.byteLength(text), licences: String(assets[licences]?.source ?? '') };
}

/**
 * V8 keeps compiled code of scripts, not of ES modules. What ncc writes becomes the body of a function
 * once it no longer imports anything. Throws if it still does.
 */
function asFunctionBody(code: string): string {
  const [statement, createRequire] = /^import\s*\{\s*createRequire as (\w+)\s*\}\s*from\s*"module";/.exec(code) ?? [];
  if (statement === undefined) throw new Error(`ncc begins a program in a new way: ${code.slice(0, 100)}`);
  const body = code
    .slice(statement.length)
    .replaceAll(`${createRequire}(import.meta.url)(`, 'require(')
    .replaceAll('import.meta.url', 'moduleUrl');
  if (/\bimport\.meta\b|\bimport\(/.test(body)) throw new Error('the program still imports like an ES module');
  return body;
}

/**
 * Each character has one byte then: Node.js need not decode the file, and V8 needs half the memory.
 * Throws if an escape would mean something else after a backslash.
 */
function inAscii(code: string): string {
  const [escaped] = /(?<!\\)(?:\\\\)*\\[^\n\x20-\x7e]/.exec(code) ?? [];
  if (escaped !== undefined) throw new Error(`the program escapes a character that is not ASCII: ${escaped}`);
  return code.replace(/[^\n\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function faultsOf(text: string, assets: readonly string[], kind: LauncherKind): string[] {
  return [
    ...assets.map((name) => `ncc wrote a second file: ${name}`),
    ...(/eval\(["']require["']\)/.test(text) ? ['an import was not resolved: eval("require") is in it'] : []),
    ...(kind === 'module' && !text.includes('WANT_JSON') ? ['the token WANT_JSON is missing'] : []),
    ...(text.startsWith('#!/bin/sh\n') ? [] : ['the launcher is missing']),
    // ansible-core checks for these before WANT_JSON, and would treat the file as a module in
    // another language.
    ...pythonTokens
      .filter((token) => token.test(text))
      .map((token) => `ansible-core would misread it: it contains ${token.source}`),
  ];
}

const pythonTokens = [
  /#<<INCLUDE_ANSIBLE_MODULE_COMMON>>/,
  /# POWERSHELL_COMMON/,
  /<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>/,
  /#Requires -Module|#AnsibleRequires/i,
  /(^|\n)\s*(from ansible\.|import ansible)/,
];
