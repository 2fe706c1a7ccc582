// What the tests of the role share: a site's inventory and variables, and what a play must have shown.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { CloudFacts } from './cloud.js';
import { succeed, type Host, type PlayResult, type SiteFolder } from './systemd-host.js';

/** For a host that has no timer and so never uses it. */
export const awkwardPassword = `it's "quoted": #no comment \\ {é} | > - & * ! % @`;

/** Every path and unit of the role. */
export const ours = /chameleon|image[_-](deploy|clean)/i;

/** The hosts of the group, in their order, with the variables that are theirs alone. */
export function writeInventory(
  site: SiteFolder,
  hosts: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): void {
  site.write('inventory.yml', {
    all: {
      vars: { ansible_connection: 'systemd_host' },
      children: { control: { hosts }, 'chameleon-image-tools': { children: { control: {} } } },
    },
  });
}

/** What kolla and the site's own defaults.yml say. Kolla's booleans are texts. */
export function writeDefaults(
  site: SiteFolder,
  cloud: CloudFacts,
  { scope, storeUrl }: { scope: string; storeUrl: string },
): void {
  site.write('defaults.yml', {
    ...{
      keystone_internal_url: cloud.keystone_url,
      keystone_admin_user: 'admin',
      keystone_admin_project: scope,
      openstack_region_name: 'RegionOne',
    },
    ...{
      keystone_admin_password: cloud.admin_password,
      openstack_cacert: '',
      default_user_domain_name: 'Default',
      enable_image_deployer: 'yes',
      enable_image_cleaner: 'no',
    },
    ...{
      chameleon_image_tools_object_store_url: storeUrl,
      chameleon_image_tools_scope: scope,
      chameleon_image_tools_config_dir: '/etc/chameleon_image_tools',
    },
  });
}

/** A host without Node.js, whose distribution offers none: apt's lists are those of this machine, and may be renewed meanwhile. */
export async function takeNodeFrom(host: Host): Promise<void> {
  await host.shell(
    'dpkg --purge --force-all nodejs >/dev/null 2>&1; rm -f /usr/bin/node /usr/bin/nodejs /usr/local/bin/node; ' +
      "printf 'Package: nodejs\\nPin: release *\\nPin-Priority: -1\\n' >/etc/apt/preferences.d/no-nodejs",
  );
}

/** A login in clouds.yaml and secure.yaml. */
export async function writeClouds(host: Host, cloud: CloudFacts, project: { readonly id: string }): Promise<void> {
  const auth = {
    auth_url: cloud.keystone_url,
    username: 'admin',
    project_id: project.id,
    user_domain_name: 'Default',
  };
  await host.shell(`mkdir -p /srv/textfile /etc/openstack; umask 077
    echo '${JSON.stringify({ clouds: { site: { auth } } })}' >/etc/openstack/clouds.yaml
    echo '${JSON.stringify({ clouds: { site: { auth: { password: cloud.admin_password } } } })}' >/etc/openstack/secure.yaml`);
}

/** Timers of earlier tools, one of them under the name of the role's own. */
export async function installOlderUnits(host: Host): Promise<void> {
  const oldTimer = '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n';
  for (const old of ['/etc/systemd/system/image_deploy', '/etc/systemd/system/chameleon-image-deploy']) {
    await host.shell(
      `printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/docker run image-tools\\n' >${old}.service; printf '${oldTimer}' >${old}.timer`,
    );
  }
  await host.shell(
    'echo docker >/usr/local/sbin/chameleon-image-deploy; systemctl daemon-reload; systemctl enable --now image_deploy.timer chameleon-image-deploy.timer',
  );
}

/** Gives the site's role executables of which the command has one line more, as a later release would. */
export async function renewExecutables(site: SiteFolder): Promise<void> {
  const script = `mkdir newer; tar -xzf executables.tar.gz -C newer; cd newer
    printf '\n// newer\n' >>chameleon-image-tools.mjs; sha256sum *.mjs *.bash library/* >SHA256SUMS
    tar --owner=0 --group=0 -czf ../executables.tar.gz .; mv SHA256SUMS ..; rm -r ../newer`;
  await succeed('/bin/sh', ['-ec', script], { cwd: join(site.path, 'roles/chameleon_image_tools/files') });
}

export function expectPlayed(
  result: PlayResult,
  changed: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): void {
  const failure =
    result.stdout
      .split(/^(?=TASK )/m)
      .filter((task) => task.includes('fatal: '))
      .join('') + result.stderr;
  expect({ exitCode: result.exitCode, failure: result.exitCode === 0 ? '' : failure }).toEqual({
    exitCode: 0,
    failure: '',
  });
  expect(Object.fromEntries(Object.entries(result.recap).map(([host, counts]) => [host, counts.changed]))).toEqual(
    changed,
  );
  expect((result.stdout + result.stderr).match(/^\[[A-Z ]*WARNING\].*(\n\S.*)*/gm)).toBeNull();
  for (const secret of secrets) expect(result.stdout).not.toContain(secret);
}

/** A Prometheus push gateway, which keeps what it is sent. */
export async function openGateway(): Promise<{ url: string; pushes: readonly string[]; close(): void }> {
  const pushes: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => pushes.push(`${request.method} ${request.url}\n${text}`));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    pushes,
    close: () => void server.close(),
  };
}
