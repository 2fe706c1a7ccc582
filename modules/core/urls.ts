// URLs as they may be shown: which parts of one are secret (its login, and the signatures and
// tokens in its query).

/** Shown in place of a secret. */
export const hiddenText = '********';

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Each URL, including URLs within URLs, without the punctuation of the sentence around it. */
const url = /\b(?=([a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>`]*[^\s"'<>`:;,.)\]}]))/gi;
const userInfo = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@/i;
const parameter = /[?&#;]([\w.~%-]{1,100})=([^&#;]*)/g;
const secretParameter = /sig|token|secret|passw|credential|key|auth|code/i;

/** Names that mean a signature or a token anywhere, in a sentence or after a path. */
const looseName =
  /\b(?:temp_url_sig|x-(?:amz|goog)-(?:signature|security-token|credential)|awsaccesskeyid|signature|sig|access_token)/;
const looseParameter = new RegExp(`${looseName.source}=([^&#\\s"'<>;,)]+)`, 'gi');

/** Keystone's Fernet tokens and JSON web tokens are recognized by their form. */
const tokenForms = /gAAAAA[\w-]{40,}={0,2}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g;

/** True for a query parameter whose value must never be shown. */
export function isSecretParameter(name: string): boolean {
  return secretParameter.test(name) && name !== 'sort_key';
}

/** The positions of secrets in the URLs of a text, and of anything that has the form of a token. */
export function secretRangesIn(text: string): TextRange[] {
  const ranges: TextRange[] = [];
  if (text.includes('://'))
    for (const { 1: found = '', index } of text.matchAll(url)) ranges.push(...rangesOfUrl(found, index));
  if (text.includes('='))
    for (const { 0: whole, 1: value = '', index } of text.matchAll(looseParameter))
      ranges.push(lastOf(whole, value, index));
  for (const match of text.matchAll(tokenForms))
    ranges.push({ start: match.index, end: match.index + match[0].length });
  return ranges;
}

/**
 * The secrets in the URLs of a text, as written and decoded. A user without a password may be a
 * token.
 */
export function secretsInUrls(text: string): string[] {
  if (!text.includes('://')) return [];
  return [...text.matchAll(url)].flatMap(([, found = '']) => {
    const [, , login = ''] = userInfo.exec(found) ?? [];
    const password = login.includes(':') ? login.slice(login.indexOf(':') + 1) : '';
    const parameters = [...found.matchAll(parameter)].flatMap(([, name = '', value = '']) =>
      isSecretParameter(name) && value.length >= shortestSecret ? [value] : [],
    );
    return [password, ...parameters]
      .filter((secret) => secret !== '')
      .flatMap((secret) => [...new Set([secret, percentDecoded(secret)])]);
  });
}

/** A shorter value of a query is a number or a word, and is hidden only in its place. */
const shortestSecret = 8;

function rangesOfUrl(found: string, offset: number): TextRange[] {
  const [, scheme = '', login] = userInfo.exec(found) ?? [];
  const loginRange =
    login === undefined ? [] : [{ start: offset + scheme.length, end: offset + scheme.length + login.length }];
  const parameters = [...found.matchAll(parameter)].filter(
    ([, name = '', value]) => value !== '' && isSecretParameter(name),
  );
  return [
    ...loginRange,
    ...parameters.map(({ 0: whole, 2: value = '', index }) => lastOf(whole, value, offset + index)),
  ];
}

function lastOf(matched: string, value: string, offset: number): TextRange {
  const end = offset + matched.length;
  return { start: end - value.length, end };
}

/**
 * The URL as it may be shown: without user, password, and the signatures that temporary URLs carry
 * in their query.
 */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/@]*@/, '//');
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  for (const name of [...parsed.searchParams.keys()]) {
    if (isSecretParameter(name)) parsed.searchParams.set(name, hiddenText);
  }
  return parsed.href;
}

/** True for a URL of a file on this host. */
export function isFileUrl(url: string): boolean {
  return /^file:/i.test(url);
}

/**
 * A URL as everybody who sees an image may read it: without credentials, and of a file of this host
 * only its name.
 */
export function publishableUrl(url: string): string {
  return isFileUrl(url) ? `file:${url.slice(url.lastIndexOf('/') + 1)}` : withoutCredentials(url);
}

/** Like Python's unquote, leaves invalid encodings as they are. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
