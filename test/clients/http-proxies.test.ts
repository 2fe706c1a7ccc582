import { expect, test } from '@jest/globals';
import { proxyFor } from '../../modules/clients/http/proxies.js';
import { proxyCases } from './proxy-cases.js';

test.each(proxyCases)('$environment: $url goes through $proxy', ({ environment, url, proxy }) => {
  expect(proxyFor(new URL(url), environment)?.url.origin ?? null).toBe(proxy);
});

test.each([
  ['socks5://127.0.0.1:1080', 'all_proxy names a socks5 proxy'],
  ['socks5h://127.0.0.1:1080', 'all_proxy names a socks5h proxy'],
  ['ftp://127.0.0.1', 'all_proxy names a ftp proxy'],
  ['http://user:p#a@127.0.0.1:3128', 'all_proxy is not the URL of a proxy'],
  ['http://:3128', 'all_proxy is not the URL of a proxy'],
  ['proxy:port', 'all_proxy is not the URL of a proxy'],
])('the proxy %s is refused by the name of its variable', (value, message) => {
  expect(() => proxyFor(new URL('http://h/'), { all_proxy: value })).toThrow(message);
});

test.each([
  ['http://user:pass@proxy:3128', 'user:pass'],
  ['user:pass@proxy:3128', 'user:pass'],
  ['http://us%40er:p%3Ass@proxy:3128', 'us@er:p:ss'],
  ['http://user:p%ss@proxy:3128', 'user:p%ss'],
  ['http://user:p@ss@proxy:3128', 'user:p@ss'],
  ['http://token@proxy:3128', 'token:'],
])('the login in %s is sent, and not shown', (value, login) => {
  const proxy = proxyFor(new URL('http://h/'), { http_proxy: value });

  expect(proxy?.authorization).toBe(`Basic ${Buffer.from(login).toString('base64')}`);
  expect(proxy?.shown).toBe('http://proxy:3128 of http_proxy');
  expect(proxy?.url.href).toBe('http://proxy:3128/');
});
