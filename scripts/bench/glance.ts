// The few requests to the test cloud's Glance that the benchmark sends besides the command that it
// measures.

export interface Cloud {
  readonly keystone_url: string;
  readonly glance_url: string;
  readonly admin_password: string;
  /** Where Ironic was asked for. */
  readonly ironic_url?: string;
  readonly os_client_config_file: string;
}

export interface Glance {
  readonly token: string;
  /** Creates a queued image and returns the URL that takes its data. */
  create(name: string): Promise<{ readonly id: string; readonly fileUrl: string }>;
  upload(fileUrl: string, data: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Throws unless the image is active and has that size. */
  assertActive(id: string, bytes: number): Promise<void>;
}

export async function openGlance(cloud: Cloud): Promise<Glance> {
  const token = await logIn(cloud);
  const images = `${cloud.glance_url}/v2/images`;
  const request = async (method: string, url: string, type = 'application/json', body?: string): Promise<Response> => {
    const answer = await fetch(url, {
      method,
      headers: { 'X-Auth-Token': token, 'Content-Type': type },
      ...(body === undefined ? {} : { body }),
    });
    if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  };
  return {
    token,
    create: async (name) => {
      const answer = await request(
        'POST',
        images,
        'application/json',
        JSON.stringify({ name, disk_format: 'raw', container_format: 'bare' }),
      );
      const { id } = (await answer.json()) as { id: string };
      return { id, fileUrl: `${images}/${id}/file` };
    },
    upload: async (fileUrl, data) => void (await request('PUT', fileUrl, 'application/octet-stream', data)),
    remove: async (id) => void (await request('DELETE', `${images}/${id}`)),
    assertActive: async (id, bytes) => {
      const { status, size } = (await (await request('GET', `${images}/${id}`)).json()) as {
        status: string;
        size: number;
      };
      if (status !== 'active' || size !== bytes)
        throw new Error(`image ${id} is ${status} and has ${size} bytes, not ${bytes}`);
    },
  };
}

async function logIn({ keystone_url: url, admin_password: password }: Cloud): Promise<string> {
  const domain = { name: 'Default' };
  const auth = {
    identity: { methods: ['password'], password: { user: { name: 'admin', domain, password } } },
    scope: { project: { name: 'admin', domain } },
  };
  const answer = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ auth }),
  });
  const token = answer.headers.get('x-subject-token');
  if (!token) throw new Error(`Keystone gave no token: ${answer.status}`);
  return token;
}
