// A container of Swift, or of Ceph's gateway, that images are published into. Reads and writes with
// a login.
import type { Readable } from 'node:stream';
import { messageOf, OperationError } from '../../core/errors.js';
import { optionText } from '../../core/option-text.js';
import { statusOf } from '../http/errors.js';
import type { Cloud } from '../keystone/cloud.js';
import { parseObject, type StoreObject } from './object.js';
import { readText } from './reading.js';

export interface SwiftContainer {
  readonly name: string;
  /** Such as `.r:*,.rlistings`; empty if the container has none, or does not show it. */
  readonly readAcl: string;
  /** Size and checksums of an object; undefined if there is none. */
  head(path: string): Promise<StoreObject | undefined>;
  /** The text of a small document, as the newest replica has it; undefined if there is none. */
  readText(path: string): Promise<string | undefined>;
  /** The data of an object. */
  read(path: string): Promise<Readable>;
  /**
   * Writes an object, which appears when it is complete. A stream is sent once. Throws HttpError:
   * 412 if `isNew` and there is one already, 422 if the data do not match `md5`.
   */
  put(path: string, upload: ObjectUpload): Promise<void>;
}

export interface ObjectUpload {
  readonly body: string | Readable;
  readonly contentType: string;
  readonly bytes?: number;
  readonly md5?: string | undefined;
  readonly sha256?: string;
  /** The list of the object's segments is the body; the checksums are those of the whole. */
  readonly isSegmented?: boolean;
  /** Refuses to replace an object. */
  readonly isNew?: boolean;
  readonly answerSeconds?: number;
  readonly signal?: AbortSignal;
}

/** Throws CONTAINER_MISSING, and CONTAINER_REFUSED if this login may not use it. */
export async function openSwiftContainer(cloud: Cloud, name: string): Promise<SwiftContainer> {
  const root = `/${encodeURIComponent(name)}`;
  const pathOf = (path: string): string => `${root}/${path.split('/').map(encodeURIComponent).join('/')}`;
  const readAcl = await readAclOf(cloud, root, name);
  return {
    name,
    readAcl,
    head: async (path) => {
      const answer = await ask(cloud, { method: 'HEAD', path: pathOf(path), expect: [200, 204, 404] });
      answer.body.destroy();
      return answer.status === 404 ? undefined : parseObject(answer.url, answer);
    },
    readText: async (path) => {
      const headers = { 'X-Newest': 'true', 'Accept-Encoding': 'identity' };
      const answer = await ask(cloud, { method: 'GET', path: pathOf(path), headers, expect: [200, 404] });
      if (answer.status === 200) return readText(answer, answer.url, 'document');
      answer.body.destroy();
      return undefined;
    },
    read: async (path) => {
      const headers = { 'Accept-Encoding': 'identity' };
      return (await ask(cloud, { method: 'GET', path: pathOf(path), headers, expect: [200] })).body;
    },
    put: async (path, upload) => {
      const { body, isSegmented = false, answerSeconds, signal } = upload;
      const answer = await ask(cloud, {
        method: 'PUT',
        path: `${pathOf(path)}${isSegmented ? '?multipart-manifest=put' : ''}`,
        headers: headersOf(upload),
        body,
        expect: [200, 201, 202],
        ...(answerSeconds === undefined ? {} : { timeoutSeconds: answerSeconds }),
        ...(signal ? { signal } : {}),
      });
      await answer.text();
    },
  };
}

/** As openstacksdk sets them (object_store/v1/_proxy.py); the ETag makes the store compare. */
function headersOf({ contentType, bytes, md5, sha256, isSegmented, isNew }: ObjectUpload): Record<string, string> {
  return {
    'Content-Type': contentType,
    ...(bytes === undefined ? {} : { 'Content-Length': String(bytes) }),
    ...(md5 === undefined ? {} : { 'X-Object-Meta-X-Sdk-Md5': md5 }),
    ...(sha256 === undefined ? {} : { 'X-Object-Meta-X-Sdk-Sha256': sha256 }),
    ...(md5 === undefined || isSegmented ? {} : { ETag: md5 }),
    ...(isNew ? { 'If-None-Match': '*' } : {}),
  };
}

type StoreRequest = Parameters<Cloud['request']>[1];

async function ask(cloud: Cloud, request: StoreRequest): ReturnType<Cloud['request']> {
  try {
    return await cloud.request('object-store', request);
  } catch (error) {
    throw statusOf(error) === 403 ? refused(cloud, error) : error;
  }
}

async function readAclOf(cloud: Cloud, path: string, name: string): Promise<string> {
  const answer = await ask(cloud, { method: 'HEAD', path, expect: [200, 204, 404] });
  answer.body.destroy();
  if (answer.status !== 404) return answer.header('x-container-read') ?? '';
  throw new OperationError(
    'CONTAINER_MISSING',
    `the project of the login from ${cloud.source} has no container "${name}" (${optionText('image_container')}); ` +
      `openstack container create --public ${name} creates one that everybody may read`,
    { container: name },
  );
}

function refused(cloud: Cloud, error: unknown): OperationError {
  return new OperationError(
    'CONTAINER_REFUSED',
    `the login from ${cloud.source} may not do this: ${messageOf(error)}; it needs a role on the project to ` +
      'which Swift gives its containers (operator_roles, often member or swiftoperator)',
    {},
    error,
  );
}
