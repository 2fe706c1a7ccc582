// What gpgv reports of the signatures of a file (doc/DETAILS of GnuPG), and why that is not enough.

/** One signature. `GOODSIG` alone is a good one, and `VALIDSIG` must confirm it. */
export interface ReportedSignature {
  /** `GOODSIG`, `BADSIG`, `EXPSIG`, `EXPKEYSIG`, `REVKEYSIG`, `ERRSIG`; empty if gpgv reports none of them. */
  readonly verdict: string;
  /** The key, and whose it is as far as the keyring has it. */
  readonly key: string;
  /** Whether gpgv has computed that the signature fits. */
  readonly isValid: boolean;
  /** The key is not in the keyring. */
  readonly isUnknown: boolean;
}

const verdicts: ReadonlySet<string> = new Set(['GOODSIG', 'BADSIG', 'EXPSIG', 'EXPKEYSIG', 'REVKEYSIG', 'ERRSIG']);

/** Reads what `--status-fd` writes. */
export function readSignatures(status: string): ReportedSignature[] {
  const signatures: ReportedSignature[] = [];
  const amend = (change: Partial<ReportedSignature>): void => {
    const last = signatures.pop() ?? unreported;
    signatures.push({ ...last, ...change });
  };
  for (const line of status.split('\n')) {
    const [prefix, word = '', key = '', ...rest] = line.trimEnd().split(' ');
    if (prefix !== '[GNUPG:]') continue;
    if (word === 'NEWSIG') signatures.push(unreported);
    else if (word === 'ERRSIG') amend({ verdict: word, key });
    else if (verdicts.has(word)) amend({ verdict: word, key: rest.length > 0 ? `${key} (${rest.join(' ')})` : key });
    else if (word === 'VALIDSIG') amend({ isValid: true });
    else if (word === 'NO_PUBKEY') amend({ isUnknown: true });
  }
  return signatures;
}

const unreported: ReportedSignature = { verdict: '', key: '', isValid: false, isUnknown: false };

/** Why the signatures do not suffice: all of them must be good. */
export function signatureFault(signatures: readonly ReportedSignature[], keyring: string): string | undefined {
  if (signatures.length === 0) return 'it contains no signature';
  for (const signature of signatures) {
    const fault = faultOf(signature, keyring);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOf({ verdict, key, isValid, isUnknown }: ReportedSignature, keyring: string): string | undefined {
  if (isUnknown) return `it was made with the key ${key}, which is not in ${keyring}`;
  switch (verdict) {
    case 'GOODSIG':
      return isValid ? undefined : `gpgv does not confirm the signature by the key ${key}`;
    case 'BADSIG':
      return `it was not made for this content: the signature by the key ${key} does not fit`;
    case 'EXPSIG':
      return `the signature by the key ${key} has expired`;
    case 'EXPKEYSIG':
      return `the key ${key} has expired; if its owner has prolonged it, put the new one into ${keyring}`;
    case 'REVKEYSIG':
      return `the key ${key} was revoked`;
    default:
      return key === '' ? 'gpgv cannot read it' : `gpgv cannot check the signature by the key ${key}`;
  }
}
