// Debian's Chromium without a screen, driven by its DevTools protocol through a pipe: opens pages
// as people do, and tells what a page asks for, refuses and shows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: 'light' | 'dark';
  /** A phone, whose browser takes the width that the page declares. */
  readonly isPhone?: boolean;
  /** Without them a page is only what its HTML has. */
  readonly hasScripts?: boolean;
}

export interface OpenedPage {
  /** The value of an expression in the page, as JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** The URLs that the browser has asked for, that of the page first. */
  readonly requests: readonly string[];
  /** What the policy of the page has refused, and errors of its script. */
  readonly complaints: readonly string[];
  /** Of the page from its top, as high as it is but no higher than this. */
  screenshot(mostHeight: number): Promise<Buffer>;
  close(): Promise<void>;
}

export interface Chromium {
  open(url: string, view: View): Promise<OpenedPage>;
  close(): Promise<void>;
}

type Message = Readonly<Record<string, unknown>>;
type Send = (method: string, params?: Message, sessionId?: string) => Promise<Message>;
type Listener = (method: string, params: Message, sessionId: unknown) => void;

export async function startChromium(): Promise<Chromium> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars'];
  const child = spawn(
    'chromium',
    [...options, '--no-first-run', `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile } },
  );
  const ended = once(child, 'exit');
  const { send, listeners } = connectPipe(child.stdio[3] as Writable, child.stdio[4] as Readable);
  void ended.then(() => listeners.clear());
  return {
    open: (url, view) => openPage(url, view, send, listeners),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Messages are JSON with a zero byte after each. */
function connectPipe(input: Writable, output: Readable): { send: Send; listeners: Set<Listener> } {
  const waiting = new Map<number, (message: Message) => void>();
  const listeners = new Set<Listener>();
  let rest = '';
  let last = 0;
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages.map((text) => JSON.parse(text) as Message)) {
      if (typeof message.id === 'number') waiting.get(message.id)?.(message);
      else
        for (const listener of listeners)
          listener(String(message.method), message.params as Message, message.sessionId);
    }
  });
  const send: Send = async (method, params = {}, sessionId) => {
    const id = ++last;
    const answered = new Promise<Message>((resolve) => waiting.set(id, resolve));
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    const { result, error } = await answered;
    waiting.delete(id);
    if (error) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result as Message;
  };
  return { send, listeners };
}

async function openPage(url: string, view: View, send: Send, listeners: Set<Listener>): Promise<OpenedPage> {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const ask: Send = (method, params) => send(method, params, String(sessionId));
  const requests: string[] = [];
  const complaints: string[] = [];
  let loaded: () => void = () => undefined;
  const isLoaded = new Promise<void>((resolve) => (loaded = resolve));
  const listener: Listener = (method, params, session) => {
    if (session !== sessionId) return;
    if (method === 'Network.requestWillBeSent') requests.push((params.request as { url: string }).url);
    if (method === 'Log.entryAdded') complaints.push((params.entry as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params.exceptionDetails));
    if (method === 'Page.loadEventFired') loaded();
  };
  listeners.add(listener);
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await ask(`${domain}.enable`);
  const { width, height, scheme, isPhone = false, hasScripts = true } = view;
  await ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: isPhone });
  await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  await ask('Emulation.setScriptExecutionDisabled', { value: !hasScripts });
  await ask('Page.navigate', { url });
  await isLoaded;
  const evaluate = async <T>(expression: string): Promise<T> => {
    const answer = await ask('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
    return (answer.result as { value: T }).value;
  };
  return {
    evaluate,
    requests,
    complaints,
    screenshot: async (mostHeight) => {
      const pageHeight = await evaluate<number>('document.documentElement.scrollHeight');
      const clip = { x: 0, y: 0, width, height: Math.min(pageHeight, mostHeight), scale: 1 };
      const { data } = await ask('Page.captureScreenshot', { format: 'png', clip, captureBeyondViewport: true });
      return Buffer.from(String(data), 'base64');
    },
    close: async () => {
      listeners.delete(listener);
      await send('Target.closeTarget', { targetId });
    },
  };
}
