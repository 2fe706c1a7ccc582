/** True for what Ironic says from 2024.1 on in place of a value that this login may not know (node_sanitize in ironic/api/controllers/v1/node.py). */
export function isRedactionNotice(text: string): boolean {
  return /^\s*\*\* (?:Value )?Redacted\b/i.test(text);
}
