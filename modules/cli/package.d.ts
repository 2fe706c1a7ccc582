// What the project reads of its package.json, as `#package`.
declare const description: { readonly version: string };
export default description;
