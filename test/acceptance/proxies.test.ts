// The table of proxies beside its source: Python's requests, as this machine has it.
import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { proxyCases } from '../clients/proxy-cases.js';

const script = `
import json, os, sys
from urllib.request import getproxies
from requests.utils import prepend_scheme_if_needed, select_proxy, should_bypass_proxies

def proxy_of(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    url = case["url"]
    proxy = None if should_bypass_proxies(url, None) else select_proxy(url, getproxies())
    return proxy and prepend_scheme_if_needed(proxy, "http")

json.dump([proxy_of(case) for case in json.load(sys.stdin)], sys.stdout)
`;

test('every way to write a proxy means what it means to requests, except for what the table lists', () => {
  const found = JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(proxyCases), encoding: 'utf8' }),
  ) as (string | null)[];

  const origins = found.map((proxy, index) => ({ ...proxyCases[index], found: proxy && new URL(proxy).origin }));
  expect(
    origins.filter(({ found: proxy, requests, proxy: ours }) => proxy !== (requests ? requests.proxy : ours)),
  ).toEqual([]);
});
