// MAC addresses in the one spelling that Ironic takes: lower case, colons.

/** The address in Ironic's spelling; undefined for what is none. Taken are colons, dashes, dots (`aabb.ccdd.eeff`) and none, in any case. */
export function normaliseMac(text: string): string | undefined {
  const trimmed = text.trim().toLowerCase();
  const isKnownForm =
    /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$|^[0-9a-f]{12}$/.test(trimmed);
  if (!isKnownForm) return undefined;
  return trimmed.replace(/[:.-]/g, '').replace(/(..)(?!$)/g, '$1:');
}

/** A switch's id: a MAC address, or a datapath id of 16 hexadecimal digits, in lower case; anything else as it is. */
export function normaliseSwitchId(text: string): string {
  return normaliseMac(text) ?? (/^[0-9a-fA-F]{16}$/.test(text) ? text.toLowerCase() : text);
}
