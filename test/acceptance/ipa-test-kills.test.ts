// ipa_test killed at each of its writes: what is left, and what the next run makes of it.
import { expect, test } from '@jest/globals';
import type { FaultProxy } from '../cloud/fault-proxy.js';
import { asBefore, former, forNova, openIpaSite, resultOf, standingOf, type IpaSite } from './ipa-site.js';
import type { Arguments } from './executable.js';
import { withSite, writesTo, type Site } from './site.js';

type Service = 'ironic' | 'nova';

interface Kill {
  readonly service: Service;
  readonly method: string;
  readonly path: RegExp;
  readonly nth?: number;
  /** Whose images the node then has. */
  readonly images: 'former' | 'tested';
  readonly state: RegExp;
}

const provision = /states\/provision$/;
const nodes = /\/v1\/nodes\/[^/]+$/;
const ready = { service: 'ironic' } as const;

/** What a run with Nova writes, in order. */
const novaWrites: readonly (readonly [string, Kill])[] = [
  ['manage', { ...ready, method: 'PUT', path: provision, nth: 1, images: 'former', state: /^manageable$/ }],
  ['the images', { ...ready, method: 'PATCH', path: nodes, nth: 1, images: 'tested', state: /^manageable$/ }],
  ['provide', { ...ready, method: 'PUT', path: provision, nth: 2, images: 'tested', state: /^(cleaning|available)$/ }],
  [
    'the boot',
    { service: 'nova', method: 'POST', path: /\/servers$/, images: 'tested', state: /^(available|deploying|active)$/ },
  ],
  [
    'the deletion',
    {
      service: 'nova',
      method: 'DELETE',
      path: /\/servers\//,
      images: 'tested',
      state: /^(active|deleting|cleaning|available)$/,
    },
  ],
  ['the former images', { ...ready, method: 'PATCH', path: nodes, nth: 2, images: 'former', state: /^available$/ }],
];

/** What a run with Ironic alone writes, in order. */
const ironicWrites: readonly (readonly [string, Kill])[] = [
  ['manage', { ...ready, method: 'PUT', path: provision, nth: 1, images: 'former', state: /^available$/ }],
  ['the images', { ...ready, method: 'PATCH', path: nodes, nth: 1, images: 'former', state: /^manageable$/ }],
  ['provide', { ...ready, method: 'PUT', path: provision, nth: 2, images: 'tested', state: /^manageable$/ }],
  ['the instance_info', { ...ready, method: 'PATCH', path: nodes, nth: 2, images: 'tested', state: /^available$/ }],
  ['active', { ...ready, method: 'PUT', path: provision, nth: 3, images: 'tested', state: /^available$/ }],
  ['deleted', { ...ready, method: 'PUT', path: provision, nth: 4, images: 'tested', state: /^active$/ }],
  ['the former images', { ...ready, method: 'PATCH', path: nodes, nth: 3, images: 'tested', state: /^available$/ }],
];

function proxyOf(ipa: IpaSite, service: Service): FaultProxy {
  return service === 'nova' ? ipa.novaProxy : ipa.ironicProxy;
}

/** Runs until the write; it is done, or not, and the run hears nothing of it. */
async function runUntil(
  ipa: IpaSite,
  { service, method, path, nth = 1 }: Kill,
  given: Arguments & { readonly isDone: boolean },
): Promise<void> {
  const { isDone, ...rest } = given;
  const proxy = proxyOf(ipa, service);
  const running = ipa.start(rest);
  const fault = proxy.addFault({
    method,
    path,
    nth,
    ...(isDone ? { answered: () => running.kill() } : { before: () => running.kill(), status: 503 }),
  });
  expect((await running.ended).exitCode).toBeNull();
  fault.remove();
}

async function expectLeft(ipa: IpaSite, node: string, { images, state }: Kill): Promise<void> {
  const left = await ipa.ironic.getNode(node);
  const kernel = images === 'former' ? former.deploy_kernel : ipa.kernel.id;
  expect(left).toMatchObject({ provision_state: expect.stringMatching(state), driver_info: { deploy_kernel: kernel } });
  expect(ipa.journal()).toHaveLength(1);
}

async function expectRestored(ipa: IpaSite, node: string): Promise<void> {
  expect(standingOf(await ipa.ironic.waitForState(node, 'available'))).toEqual(asBefore);
  expect([ipa.journal(), await ipa.servers()]).toEqual([[], []]);
}

/** The node is the project's: an Ironic that enforces scope refuses the first request for any other, and so there would be more writes to count. */
async function openWithNode(site: Site, fields: Readonly<Record<string, unknown>> = {}): Promise<[IpaSite, string]> {
  const ipa = await openIpaSite(site);
  return [ipa, await ipa.addNode({ owner: site.project.id, ...fields })];
}

test.concurrent.each(novaWrites)('killed when Nova or Ironic has done: %s', (_, kill) =>
  withSite(async (site) => {
    const [ipa, node] = await openWithNode(site, forNova(site));

    await runUntil(ipa, kill, { isDone: true });
    await expectLeft(ipa, node, kill);
    const result = await ipa.run({ restore: true });

    expect(result).toMatchObject({
      changed: true,
      restored: [expect.stringMatching(/has its former images and is available$/)],
    });
    expect(result.failed).toBeUndefined();
    await expectRestored(ipa, node);
    const writes = writesTo(ipa.ironicProxy).length;
    expect(await ipa.run({ restore: true })).toMatchObject({ changed: false, restored: [] });
    expect(writesTo(ipa.ironicProxy)).toHaveLength(writes);
  })(),
);

test.concurrent.each(ironicWrites)('killed before Ironic alone does: %s', (_, kill) =>
  withSite(async (site) => {
    const [ipa, node] = await openWithNode(site);

    await runUntil(ipa, kill, { deployer: 'ironic', isDone: false });
    await expectLeft(ipa, node, kill);
    const planned = await ipa.run({ restore: true, _ansible_check_mode: true });
    expect(planned.restored).toEqual([expect.stringMatching(/^CC-IPA-TEST-.*: would be restored, from the step/)]);
    await expectLeft(ipa, node, kill);
    await ipa.run({ restore: true, deployer: 'ironic' });

    await expectRestored(ipa, node);
  })(),
);

test.concurrent(
  'the next run puts back what is left, then tests',
  withSite(async (site) => {
    const [ipa, node] = await openWithNode(site);
    await runUntil(
      ipa,
      { ...ready, method: 'PUT', path: provision, nth: 4, images: 'tested', state: /active/ },
      { deployer: 'ironic', isDone: false },
    );

    const result = await ipa.run({ deployer: 'ironic' });

    expect(result).toMatchObject({
      passed: true,
      restored: [expect.stringMatching(/has its former images and is available$/)],
    });
    await expectRestored(ipa, node);
  }),
);

test.concurrent(
  'a run that is told to end puts everything back at once where it can',
  withSite(async (site) => {
    const [ipa, node] = await openWithNode(site);
    const running = ipa.start({ deployer: 'ironic' });
    ipa.ironicProxy.addFault({ method: 'PUT', path: provision, nth: 3, answered: () => running.terminate() });

    const ended = await running.ended;

    expect(ended.exitCode).toBe(1);
    expect(resultOf(ended)).toMatchObject({ failed: true, msg: expect.stringMatching(/interrupted by SIGTERM/) });
    await expectRestored(ipa, node);
  }),
);

test.concurrent(
  'a run that is told to end while the node cannot be changed leaves it to the next one',
  withSite(async (site) => {
    const [ipa, node] = await openWithNode(site, forNova(site));
    const running = ipa.start();
    ipa.novaProxy.addFault({ method: 'POST', path: /\/servers$/, answered: () => running.terminate() });
    // Nova is gone from then on.
    const gone = ipa.novaProxy.addFault({ method: 'GET', path: /\/servers\/detail/, status: 500 });

    const result = resultOf(await running.ended);

    expect(result).toMatchObject({ failed: true, msg: expect.stringMatching(/interrupted by SIGTERM/) });
    expect(result.failures?.join()).toMatch(/was not completely restored: .*, and the next run or restore continues/);
    expect(ipa.journal()).toHaveLength(1);
    gone.remove();
    await ipa.run({ restore: true });
    await expectRestored(ipa, node);
  }),
);
