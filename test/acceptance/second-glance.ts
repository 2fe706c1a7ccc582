// Another API server of the test cloud's Glance, configured in another way: it converts images on import, and has a
// store of its own that can be broken. Both share the database and the other stores.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCloud, until } from './cloud.js';
import { freePort } from './nginx.js';

export interface SecondGlance {
  readonly url: string;
  /** Whether its store `spare` takes data. */
  breakSpareStore(isBroken: boolean): void;
  close(): Promise<void>;
}

export interface SecondGlanceOptions {
  /** What it converts images to on import; nothing if absent. */
  readonly convertsTo?: 'raw' | 'qcow2';
  /** Properties, by regular expressions, that only the role `admin` may create, change or delete. */
  readonly protects?: string;
  /** The import methods that it offers; those of the cloud's if absent. */
  readonly importMethods?: readonly string[];
}

export async function startSecondGlance(options: SecondGlanceOptions): Promise<SecondGlance> {
  const { convertsTo } = options;
  const { cloud_state: state } = readCloud();
  const folder = mkdtempSync(join(tmpdir(), 'second-glance-'));
  const configured = join(state, 'etc/glance');
  const port = await freePort();
  const read = (path: string): string => readFileSync(path, 'utf8');
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  for (const name of ['etc', 'staging', 'spare']) mkdirSync(join(folder, name));
  write('etc/glance-api-paste.ini', read(join(configured, 'glance-api-paste.ini')));
  write('etc/protections.conf', protectionRules(options));
  write('etc/glance-api.conf', apiConfiguration(read(join(configured, 'glance-api.conf')), folder, options));
  const plugins = convertsTo === undefined ? '' : "'image_conversion'";
  write(
    'etc/glance-image-import.conf',
    `${read(join(configured, 'glance-image-import.conf')).replace(/^image_import_plugins = .*$/m, `image_import_plugins = [${plugins}]`)}\n` +
      `[image_conversion]\noutput_format = ${convertsTo ?? 'raw'}\n`,
  );
  write(
    'uwsgi.ini',
    read(join(state, 'etc/glance-uwsgi.ini'))
      .replace(/^http-socket = .*$/m, `http-socket = 127.0.0.1:${port}`)
      .replace(/^processes = 8$/m, 'processes = 3')
      .replace(/^procname-prefix = .*$/m, 'procname-prefix = second-glance-')
      .replace(/^env = OS_GLANCE_CONFIG_DIR=.*$/m, `env = OS_GLANCE_CONFIG_DIR=${folder}/etc`),
  );
  const child = spawn('/usr/bin/uwsgi-core', ['--ini', join(folder, 'uwsgi.ini')], {
    cwd: folder,
    stdio: 'ignore',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', no_proxy: '127.0.0.1,localhost' },
  });
  const ended = once(child, 'close');
  const url = `http://127.0.0.1:${port}`;
  const answers = (): Promise<boolean> =>
    fetch(`${url}/versions`, { signal: AbortSignal.timeout(5000) }).then(
      ({ status }) => status < 500,
      () => false,
    );
  await until(answers, 'the second Glance to answer');
  const [spare, aside] = [join(folder, 'spare'), join(folder, 'spare-aside')];
  return {
    url,
    breakSpareStore: (isBroken) => {
      if (isBroken) {
        renameSync(spare, aside);
        writeFileSync(spare, 'not a folder');
      } else {
        rmSync(spare);
        renameSync(aside, spare);
      }
    },
    close: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function apiConfiguration(text: string, folder: string, { protects, importMethods }: SecondGlanceOptions): string {
  const protection = `property_protection_file = ${folder}/etc/protections.conf\nproperty_protection_rule_format = roles\n`;
  const changed = text
    .replace(/^\[DEFAULT\]$/m, (line) => `${line}\n${protects === undefined ? '' : protection}`)
    .replace(/^enabled_import_methods = .*$/m, (line) =>
      importMethods ? `enabled_import_methods = [${importMethods.join(',')}]` : line,
    )
    .replace(/^enabled_backends = .*$/m, (line) => `${line},spare:file`)
    .replace(/(\[os_glance_staging_store\]\nfilesystem_store_datadir = ).*/, `$1${folder}/staging`);
  // Outside uWSGI's own executable, which Glance would take for Python's.
  return `${changed}\n[spare]\nfilesystem_store_datadir = ${folder}/spare\n[wsgi]\npython_interpreter = /usr/bin/python3\n`;
}

/** Everybody may do everything with the others. */
function protectionRules({ protects = '^nothing$' }: SecondGlanceOptions): string {
  const rules = (role: string): string =>
    ['create', 'read', 'update', 'delete'].map((action) => `${action} = ${action === 'read' ? '@' : role}\n`).join('');
  return `[${protects}]\n${rules('admin')}[.*]\n${rules('@')}`;
}
