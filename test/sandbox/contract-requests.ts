// What the contract tests send with: fetch for whole requests, node:http for uploads that stop
// half-way.

import { once } from 'node:events';
import http from 'node:http';
import type { IncomingMessage } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; null if it is not. */
  // `any`: tests look into many shapes, and a wrong one fails them.
  readonly json: any;
}

export interface Sending {
  readonly token?: string | undefined;
  readonly json?: unknown;
  readonly patch?: unknown;
  readonly data?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends one request and reads the whole answer. */
export async function send(method: string, url: string, sending: Sending = {}): Promise<Reply> {
  const { token, json, patch, data } = sending;
  const content = json ?? patch;
  const type =
    json !== undefined
      ? 'application/json'
      : patch !== undefined
        ? 'application/openstack-images-v2.1-json-patch'
        : 'application/octet-stream';
  const body = content === undefined ? data : JSON.stringify(content);
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { 'X-Auth-Token': token }),
      ...(body === undefined ? {} : { 'Content-Type': type }),
      ...sending.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** An upload whose bytes the test sends one by one. */
export interface SlowUpload {
  write(data: string): void;
  /** Sends the last bytes and waits for the status. */
  end(data: string): Promise<number>;
  /** The status, if the service answers before all is sent. */
  answered(): Promise<number>;
  /** Breaks the connection off. */
  abort(): void;
}

/** Sends the head of a PUT that will have so many bytes. */
export function slowUpload(url: string, options: { token: string; bytes: number; type?: string }): SlowUpload {
  const { token, bytes, type = 'application/octet-stream' } = options;
  const headers = { 'X-Auth-Token': token, 'Content-Type': type, 'Content-Length': bytes };
  const request = http.request(url, { method: 'PUT', agent: false, headers });
  const response = once(request, 'response') as Promise<[IncomingMessage]>;
  response.catch(() => {});
  request.on('error', () => {});
  request.flushHeaders();

  async function answered(): Promise<number> {
    const [message] = await response;
    message.on('error', () => {}).resume();
    return message.statusCode ?? 0;
  }

  return {
    write: (data) => void request.write(data),
    end: (data) => {
      request.end(data);
      return answered();
    },
    answered,
    abort: () => void request.destroy(),
  };
}

/** Asks again until the condition holds; fails when the time is over, naming what it waited for. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  seconds = 10,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > deadline)
      throw new Error(`waited ${seconds} s for ${what}; the last answer was ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
