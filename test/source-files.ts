// The project's own sources, for the tests that hold its rules.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the project's folder, such as `modules/core/fields.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  /** What it imports: a path like its own where it is a file of ours, else as it is written. */
  readonly imports: readonly string[];
}

/** Every .ts and .cts file below these folders. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.c?ts$/.test(name))
      .map((name) => readSource(posix.join(folder, name)))
      .sort((one, other) => one.path.localeCompare(other.path)),
  );
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return { path, text, code, imports: importsOf(code, path) };
}

function importsOf(code: string, path: string): string[] {
  const found = [
    ...code.matchAll(/\b(?:import|export)\s[^;'"]*?\bfrom\s*'([^']+)'/g),
    ...code.matchAll(/^import\s*'([^']+)'/gm),
    ...code.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g),
  ].map(([, specifier]) => specifier ?? '');
  return found.map((specifier) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts') : specifier,
  );
}
