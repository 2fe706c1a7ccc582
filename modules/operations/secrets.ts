// The texts that must not be shown, as they become known in the course of a run. Both front ends redact what they print by it.

export interface KnownSecrets {
  learn(secrets: readonly string[]): void;
  /** Longest first, so that none hides a part of another. */
  list(): readonly string[];
}

/** Starts with the variables of the environment whose name says that they are secret. */
export function knownSecrets(environment: Readonly<Record<string, string | undefined>>): KnownSecrets {
  let known: readonly string[] = [];
  const learn = (secrets: readonly string[]): void => {
    known = [...new Set([...known, ...secrets])].sort((one, other) => other.length - one.length);
  };
  learn(Object.entries(environment).flatMap(([name, value]) => (/^OS_\w*(PASSWORD|SECRET|TOKEN)$/.test(name) && value ? [value] : [])));
  return { learn, list: () => known };
}
