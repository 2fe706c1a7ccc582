// How proxies may be written, and what each means. test/acceptance/proxies.test.ts holds this table
// to Python's requests.

export interface ProxyCase {
  readonly environment: Readonly<Record<string, string>>;
  readonly url: string;
  /** The proxy's URL; null where the URL is asked directly. */
  readonly proxy: string | null;
  /** What requests says where it is something else on purpose, and why. */
  readonly requests?: { readonly proxy: string | null; readonly why: string };
}

const p = 'http://p:3128';

/** What no_proxy holds, a URL, and whether it is asked directly. */
const noProxy: readonly (readonly [entry: string, url: string, isDirect: boolean, why?: string])[] = [
  ['127.0.0.0/8', 'http://127.0.0.1/', true],
  ['localhost,127.0.0.0/8', 'http://127.0.0.1:9292/', true],
  ['10.0.0.0/8, 192.168.0.0/16', 'https://192.168.255.1/', true],
  ['10.0.0.0/8', 'http://11.0.0.1/', false],
  ['10.1.2.3/32', 'http://10.1.2.3/', true],
  ['10.1.2.3/31', 'http://10.1.2.2/', true],
  ['10.1.2.3/33', 'http://10.1.2.3/', false],
  ['0.0.0.0/0', 'http://10.1.2.3/', false],
  ['10/8', 'http://10.1.2.3/', false],
  ['10.0/16', 'http://10.0.2.3/', true],
  ['10.0.0.0/8', 'http://host10.0.0.1.example/', false],
  ['10.1.2.3', 'http://10.1.2.3/', true],
  ['10.1.2.3', 'http://110.1.2.3/', false],
  ['10.1.2.3:8080', 'http://10.1.2.3:8080/', true, 'requests knows no ports of addresses'],
  ['10.1.2.3:8081', 'http://10.1.2.3:8080/', false],
  ['example.com', 'http://example.com/', true],
  ['example.com', 'http://a.example.com/', true],
  ['example.com', 'http://EXAMPLE.com/', true],
  ['EXAMPLE.com', 'http://a.example.com/', true],
  ['.example.com', 'http://example.com/', true],
  ['.example.com', 'http://a.b.example.com/', true],
  ['ample.com', 'http://example.com/', false, 'requests compares letters, not labels'],
  ['example.com', 'http://notexample.com/', false, 'requests compares letters, not labels'],
  ['example.com', 'http://example.com.evil.org/', false],
  ['*.example.com', 'http://a.example.com/', true, 'requests knows no * before a suffix'],
  ['*', 'http://a.example.com/', true],
  [' * ', 'http://a.example.com/', true, 'requests knows * only alone'],
  ['localhost,*', 'http://a.example.com/', true, 'requests knows * only alone'],
  ['a.example.com b.example.com', 'http://b.example.com/', true, 'requests knows commas only'],
  [' a.example.com , b.example.com ', 'http://b.example.com/', true],
  ['example.com:8080', 'http://example.com:8080/', true],
  ['example.com:8080', 'http://a.example.com:8080/', true],
  ['example.com:8080', 'http://example.com:8081/', false],
  ['example.com:8080', 'http://example.com/', false],
  [
    'example.com:443',
    'https://example.com/',
    true,
    'requests compares the port that the URL has, and this one is left out',
  ],
  ['localhost', 'http://localhost:5000/', true],
  ['localhost', 'http://127.0.0.1/', false],
  ['::1', 'http://[::1]/', true],
  ['::1', 'http://[::1]:8080/', true],
  ['[::1]', 'http://[::1]/', true, 'requests knows no brackets'],
  ['[::1]:8080', 'http://[::1]:8080/', true, 'requests knows no brackets'],
  ['[::1]:8081', 'http://[::1]:8080/', false],
  ['0:0:0:0:0:0:0:1', 'http://[::1]/', true, 'requests compares IPv6 addresses as they are written'],
  ['::1', 'http://[fd00::1]/', false, 'requests compares letters, not addresses'],
  ['fd00::/8', 'http://[fd12:3456::1]/', true, 'requests knows networks of IPv4 only'],
  ['fd00::/8', 'http://[fe80::1]/', false],
  ['fd00::/8', 'http://10.1.2.3/', false],
  [',,', 'http://example.com/', false],
  ['', 'http://example.com/', false],
];

export const proxyCases: readonly ProxyCase[] = [
  ...noProxy.map(([entry, url, isDirect, why]): ProxyCase => {
    const other = { proxy: isDirect ? p : null, why: why ?? '' };
    return {
      environment: { http_proxy: p, https_proxy: p, no_proxy: entry },
      url,
      proxy: isDirect ? null : p,
      ...(why ? { requests: other } : {}),
    };
  }),
  { environment: {}, url: 'http://h/', proxy: null },
  { environment: { http_proxy: p }, url: 'http://h/', proxy: p },
  { environment: { http_proxy: p }, url: 'https://h/', proxy: null },
  { environment: { https_proxy: p }, url: 'http://h/', proxy: null },
  { environment: { HTTP_PROXY: p }, url: 'http://h/', proxy: p },
  { environment: { Https_Proxy: p }, url: 'https://h/', proxy: p },
  { environment: { http_proxy: p, HTTP_PROXY: 'http://other:1' }, url: 'http://h/', proxy: p },
  { environment: { http_proxy: '', HTTP_PROXY: 'http://other:1' }, url: 'http://h/', proxy: null },
  { environment: { all_proxy: p }, url: 'https://h/', proxy: p },
  { environment: { ALL_PROXY: p }, url: 'http://h/', proxy: p },
  { environment: { all_proxy: 'http://other:1', https_proxy: p }, url: 'https://h/', proxy: p },
  { environment: { https_proxy: '', all_proxy: p }, url: 'https://h/', proxy: p },
  { environment: { https_proxy: '127.0.0.1:3128' }, url: 'https://h/', proxy: 'http://127.0.0.1:3128' },
  { environment: { http_proxy: '127.0.0.1:3128' }, url: 'http://h/', proxy: 'http://127.0.0.1:3128' },
  { environment: { https_proxy: 'proxy.example' }, url: 'https://h/', proxy: 'http://proxy.example' },
  { environment: { https_proxy: '[::1]:3128' }, url: 'https://h/', proxy: 'http://[::1]:3128' },
  { environment: { https_proxy: 'https://proxy:3129' }, url: 'https://h/', proxy: 'https://proxy:3129' },
  { environment: { https_proxy: 'HTTP://proxy:3128' }, url: 'https://h/', proxy: 'http://proxy:3128' },
  { environment: { http_proxy: p, no_proxy: '', NO_PROXY: 'h.example' }, url: 'http://h.example/', proxy: null },
  { environment: { http_proxy: p, NO_PROXY: 'h.example' }, url: 'http://h.example/', proxy: null },
  { environment: { http_proxy: p, no_proxy: 'other', NO_PROXY: 'h.example' }, url: 'http://h.example/', proxy: p },
];
