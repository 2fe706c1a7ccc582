// Tells the errors of system calls apart.

/** True for the error of a system call with one of these codes. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && codes.includes(code);
}
