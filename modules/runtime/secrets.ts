// The texts that must not be shown, as they become known in the course of a run. Both front ends redact what they print by it.
import { redact } from '../core/redaction.js';
import { secretsInUrls } from '../core/secret-urls.js';

export interface KnownSecrets {
  learn(secrets: readonly string[]): void;
  /** Longest first, so that none hides a part of another. */
  list(): readonly string[];
  redact(text: string): string;
}

const secretVariable = /^OS_\w*(PASSWORD|PASSCODE|SECRET|TOKEN)$/;
const proxyVariable = /^(https?|all)_proxy$/i;

/** Starts with the variables of the environment whose name says that they are secret, and with the passwords of proxies. */
export function knownSecrets(environment: Readonly<Record<string, string | undefined>>): KnownSecrets {
  const known = new Set<string>();
  let sorted: readonly string[] = [];
  const learn = (secrets: readonly string[]): void => {
    const before = known.size;
    for (const secret of secrets) if (secret !== '') known.add(secret);
    if (known.size > before) sorted = [...known].sort((one, other) => other.length - one.length);
  };
  learn(
    Object.entries(environment).flatMap(([name, value = '']) => {
      if (secretVariable.test(name)) return [value, value.trim()];
      return proxyVariable.test(name) ? secretsInUrls(value.includes('://') ? value : `http://${value}`) : [];
    }),
  );
  return { learn, list: () => sorted, redact: (text) => redact(text, sorted) };
}
