// A site for one test: a project, a store, proxies before Glance and before the store, and runs of
// the built executables.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFaultProxy, type FaultProxy, type RecordedRequest } from '../cloud/fault-proxy.js';
import { createProject, readCloud, cloudAdminToken, cloudSystemToken, type CloudFacts, type Project } from './cloud.js';
import {
  parseResult,
  startCommand,
  startModule,
  type Arguments,
  type CommandOptions,
  type ModuleResult,
  type Running,
} from './executable.js';
import { openGlance, type RawGlance } from './glance.js';
import { swiftStore, webStore, type ImageStore } from './image-store.js';

/** What a test has to itself. */
interface Place {
  readonly cloud: CloudFacts;
  readonly project: Project;
  /** Of the admin, for Ironic. */
  readonly systemToken: string;
  /** A production name that no other test has. */
  readonly name: string;
  readonly scope: string;
  readonly store: ImageStore;
  readonly glance: RawGlance;
  /** Before Glance and before the store, for every run of this site. */
  readonly glanceProxy: FaultProxy;
  readonly storeProxy: FaultProxy;
  /** Has something done when the test is over, before everything else is cleared away. */
  afterwards(work: () => unknown): void;
}

export interface Site extends Place {
  /** A new host: its runs exclude each other by the lock in the folder that is returned. */
  addHost(): string;
  /** The arguments of a run, the given ones last. */
  argumentsOf(given?: Arguments): Arguments;
  startDeploy(given?: Arguments): Running;
  /** Runs image_deploy to its end. */
  deploy(given?: Arguments): Promise<ModuleResult>;
  /** Starts image_rollback of the site's image. */
  startRollback(given?: Arguments): Running;
  rollback(given?: Arguments): Promise<ModuleResult>;
  info(given?: Arguments): Promise<ModuleResult>;
  /** Runs the command line, with the site's project for its login. */
  startCommand(argv: readonly string[], options?: CommandOptions): Running;
}

export interface SiteOptions {
  readonly store?: 'swift' | 'web';
}

/**
 * Makes a test of a body that needs a site; everything is cleared away afterwards, whatever
 * happened.
 */
export function withSite(body: (site: Site) => Promise<void>, options: SiteOptions = {}): () => Promise<void> {
  return async () => {
    const tidying: (() => unknown)[] = [];
    try {
      await body(await openSite(options, tidying));
    } catch (error) {
      // What the test found matters more than what the tidying then stumbles over.
      await tidyUp(tidying);
      throw error;
    }
    const [failure] = await tidyUp(tidying);
    if (failure) throw failure;
  };
}

/** The last first, and all of it even where one fails. Gives the failures. */
async function tidyUp(tidying: readonly (() => unknown)[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const tidy of [...tidying].reverse()) {
    try {
      await tidy();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

async function openSite(options: SiteOptions, tidying: (() => unknown)[]): Promise<Site> {
  const cloud = readCloud();
  // With a letter first: ten digits would read as the time-stamp of an archive name.
  const unique = `t${randomBytes(5).toString('hex')}`;
  const scope = `test-${unique}`;
  const project = await createProject(cloud, scope);
  tidying.push(() => project.remove());
  const glance = openGlance(cloud.glance_url, project.token, project.id);
  tidying.push(() => removeImages(glance));
  const store =
    options.store === 'web' ? webStore(cloud, scope) : swiftStore(cloud, await cloudAdminToken(cloud), scope);
  tidying.push(() => store.cleanUp());
  const [glanceProxy, storeProxy] = [await startFaultProxy(cloud.glance_url), await startFaultProxy(store.url)];
  tidying.push(() => Promise.all([glanceProxy.close(), storeProxy.close()]));
  const afterwards = (work: () => unknown): void => void tidying.push(work);
  const place: Place = {
    cloud,
    project,
    systemToken: await cloudSystemToken(cloud),
    name: `CC-Test-${unique}`,
    scope,
    store,
    glance,
    glanceProxy,
    storeProxy,
    afterwards,
  };
  return { ...place, ...runsOf(place) };
}

function runsOf({ cloud, project, name, scope, glanceProxy, storeProxy, afterwards }: Place): Omit<Site, keyof Place> {
  const environment = { OS_CLIENT_CONFIG_FILE: cloud.os_client_config_file };
  const login = {
    auth_url: cloud.keystone_url,
    username: 'admin',
    password: cloud.admin_password,
    project_id: project.id,
    user_domain_id: 'default',
  };

  function addHost(): string {
    const folder = mkdtempSync(join(tmpdir(), 'host-'));
    afterwards(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  const host = addHost();
  const withLogin = (given: Arguments): Arguments => ({
    ...(given.cloud === undefined ? { auth: login, region_name: 'RegionOne' } : {}),
    endpoint_override: { image: glanceProxy.url },
    ...given,
  });
  const argumentsOf = (given: Arguments = {}): Arguments =>
    withLogin({ object_store_url: storeProxy.url, scope, lock_dir: host, stall_timeout: 3, attempts: 3, ...given });
  const keep = (running: Running): Running => {
    afterwards(() => running.kill());
    return running;
  };
  const startDeploy = (given?: Arguments): Running =>
    keep(startModule('image_deploy', argumentsOf(given), environment));
  const startRollback = (given: Arguments = {}): Running =>
    keep(startModule('image_rollback', withLogin({ image: name, lock_dir: host, ...given }), environment));
  return {
    addHost,
    argumentsOf,
    startDeploy,
    startRollback,
    rollback: async (given) => parseResult(await startRollback(given).ended),
    deploy: async (given) => parseResult(await startDeploy(given).ended),
    info: async (given = {}) => parseResult(await keep(startModule('image_info', withLogin(given), environment)).ended),
    startCommand: (argv, options) => {
      const variables = {
        OS_AUTH_URL: login.auth_url,
        OS_USERNAME: login.username,
        OS_PASSWORD: login.password,
        OS_PROJECT_ID: project.id,
        OS_USER_DOMAIN_ID: 'default',
      };
      return keep(startCommand(argv, variables, options));
    },
  };
}

async function removeImages(glance: RawGlance): Promise<void> {
  await Promise.all((await glance.list()).map(({ id }) => glance.remove(id)));
}

/** The requests that change something, such as `PUT /v2/images/…/file`, oldest first. */
export function writesTo({ requests }: FaultProxy): RecordedRequest[] {
  return requests.filter(({ method }) => !['GET', 'HEAD'].includes(method));
}

/** The uploads of image data that reached the proxy. */
export function uploadsTo({ requests }: FaultProxy): RecordedRequest[] {
  return requests.filter(({ method, path }) => method === 'PUT' && path.endsWith('/file'));
}
