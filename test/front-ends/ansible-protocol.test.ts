import { describe, expect, jest, test } from '@jest/globals';
import { fakeModule, run, runModule } from './run.js';

jest.setTimeout(30_000);

const call = (args: unknown, options = {}) => runModule(fakeModule, args, options);
const secret = 'hunter2-and-more';

describe('a task that succeeds', () => {
  test('answers with its values, the defaults filled in, and ends with 0', async () => {
    const { result, code, stderr } = await call({ names: 'a, b', count: '5', force: 'yes' });

    expect(result).toMatchObject({
      changed: false,
      msg: 'nothing to do',
      given: { names: ['a', 'b'], count: 5, force: true, behaviour: 'echo' },
    });
    expect(result).not.toHaveProperty('failed');
    expect(code).toBe(0);
    expect(stderr).toBe('');
  });

  test.each([
    [true, true],
    [false, false],
  ])('is told of check mode %s', async (given, expected) => {
    const { result } = await call({ _ansible_check_mode: given });

    expect(result.check_mode).toBe(expected);
  });

  test('ignores keys of Ansible that it does not know', async () => {
    const { result } = await call({
      _ansible_something_new: { a: 1 },
      _ansible_version: '2.30',
      _ansible_selinux_special_fs: ['nfs'],
    });

    expect(result).not.toHaveProperty('failed');
  });

  test('shows a difference only when asked, as texts that end with a newline', async () => {
    const plain = await call({ behaviour: 'change' });
    const asked = await call({ behaviour: 'change', _ansible_diff: true });

    expect(plain.result).not.toHaveProperty('diff');
    expect(asked.result.diff).toEqual([
      {
        before_header: 'image "one"',
        after_header: 'image "one"',
        before: 'visibility: private\n',
        after: 'visibility: public\nos:x:\n  - a\n  - "yes"\n',
      },
    ]);
  });

  test('writes five megabytes to the last byte', async () => {
    const { result } = await call({ behaviour: 'big' });

    expect(String(result.text)).toHaveLength(5_000_000);
  });

  test('writes ASCII on one line, whatever the text', async () => {
    const { stdout, result } = await call({ behaviour: 'awkward' });

    expect(stdout).toMatch(/^[\x20-\x7e]*\n$/);
    expect(result.text).toBe(
      'line\u2028separator, next\u0085line, nul\u0000, escape\u001b[31m, half \ufffd, whole 😀, "quotes" \\ ümlaut',
    );
  });

  test.each([
    [0, undefined],
    [1, ['info: behaves as echo']],
    [2, ['info: behaves as echo', 'debug: the password is ********']],
  ])('with verbosity %d has the log %j', async (verbosity, log) => {
    const { result } = await call({ password: secret, _ansible_verbosity: verbosity });

    expect(result.log).toEqual(log);
  });
});

describe('secrets', () => {
  test('are nowhere in the answer, not even of a failure at the highest verbosity', async () => {
    const { stdout, result } = await call({
      behaviour: 'fail',
      password: secret,
      auth: { username: 'u', auth_token: 't0ken-x' },
      _ansible_verbosity: 4,
      _ansible_diff: true,
    });

    expect(stdout).not.toContain(secret);
    expect(stdout).not.toContain('t0ken-x');
    expect(result.msg).toBe('it broke with password ********');
    expect(String(result.exception)).toContain('Caused by: Error: cause ********');
  });

  test('are masked in the invocation, a misspelt one too', async () => {
    const { stdout, result } = await call({ pasword: secret, auth: { username: 'u', token: 't0ken-x' } });

    expect(stdout).not.toContain(secret);
    expect(result.invocation).toEqual({
      module_args: {
        pasword: 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER',
        auth: { username: 'u', token: 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER' },
      },
    });
  });

  test('are not quoted when they are of the wrong type', async () => {
    const { stdout } = await call({ password: [secret], auth: `token=${secret}` });

    expect(stdout).not.toContain(secret);
  });

  test('from the OS_* environment are redacted as well', async () => {
    const { stdout } = await call(
      { text: 'from-the-environment' },
      { environment: { OS_PASSWORD: 'from-the-environment' } },
    );

    expect(stdout).not.toContain('"text":"from-the-environment"');
  });

  test.each([
    ['no_log', { _ansible_no_log: true }],
    ['inject_invocation: false', { _ansible_inject_invocation: false }],
  ])('with %s there is no invocation', async (_, keys) => {
    const { result } = await call({ ...keys });

    expect(result).not.toHaveProperty('invocation');
  });
});

describe('a task that fails', () => {
  test('reports what failed, with its code and facts, without a stack', async () => {
    const { result, code } = await call({ behaviour: 'fail', password: secret });

    expect(result).toMatchObject({ failed: true, code: 'IT_BROKE', changed: false, details: { subject: '********' } });
    expect(result).not.toHaveProperty('exception');
    expect(code).toBe(1);
  });

  test('in part reports what succeeded, too', async () => {
    const { result } = await call({ behaviour: 'part' });

    expect(result).toMatchObject({
      failed: true,
      changed: true,
      code: 'PART_FAILED',
      failures: ['image "two": the store cut the connection'],
      msg: 'nothing to do; image "two": the store cut the connection',
    });
  });

  test.each([
    ['throws something else', 'crash', 'this is a fault of the program, please report it: undefined is not a cloud'],
    ['leaves a rejection unhandled', 'reject', 'this is a fault of the program, please report it: nobody caught this'],
    ['comes to no end', 'vanish', /ended before it had a result/],
  ])('still answers when the program %s', async (_, behaviour, message) => {
    const { result, code } = await call({ behaviour });

    expect(result).toMatchObject({ failed: true, code: 'INTERNAL_ERROR' });
    expect(result.msg).toMatch(message);
    expect(code).toBe(1);
  });

  test.each([
    ['an unknown option', { cuont: 1 }, 'cuont is not an option of fake_operation; did you mean count?'],
    [
      'an unknown nested one',
      { auth: { usrname: 'x' } },
      'auth.usrname is not an option of fake_operation; did you mean auth.username?',
    ],
    ['a prototype as an option', '{"__proto__": {"count": 2}}', /^__proto__ is not an option/],
    ['a number out of range', { count: 10 }, 'count: 10 is out of range; allowed: 1 to 9'],
    ['a wrong type', { count: 'many' }, 'count: "many" is of the wrong type; it must be a whole number'],
    ['a list for a text', { text: ['a'] }, 'text: ["a"] is of the wrong type; it must be text'],
    ['a mapping for a list', { names: { a: 1 } }, 'names: {"a":1} is of the wrong type; it must be a list'],
    [
      'a control character',
      { text: 'a\u0007b' },
      'text: "a\\u0007b" is not allowed; it must not contain control characters',
    ],
    ['a choice that is none', { behaviour: 'sing' }, /^behaviour: "sing" is not allowed; allowed: echo, change/],
    ['the same option twice', { names: 'a', name: 'b' }, 'names and name are the same option: give one of them'],
    [
      'several faults at once',
      { count: 0, force: 'perhaps' },
      'count: 0 is out of range; allowed: 1 to 9; force: "perhaps" is of the wrong type; it must be yes or no',
    ],
  ])('refuses %s', async (_, args, message) => {
    const { result } = await call(args);

    expect(result).toMatchObject({ failed: true, code: 'INVALID_INPUT', changed: false });
    if (typeof message === 'string') expect(result.msg).toBe(message);
    else expect(result.msg).toMatch(message);
  });
});

describe('an arguments file', () => {
  test.each([
    ['is empty', '', /is empty; Ansible writes this file itself/],
    ['holds HTML', '<html><body>503</body></html>', /holds HTML or XML instead of JSON/],
    ['holds key=value text', 'cloud=x password=hunter2', /is not JSON/],
    ['holds a list', '[1, 2]', /holds a list/],
    ['holds null', 'null', /holds a null/],
    ['holds a text', '"hunter2"', /holds a string/],
    ['breaks off', '{"cloud": "x", "password": "hunter2', /is not JSON/],
    [
      'holds lists that are nested 300,000 deep',
      `{"names": ${'['.repeat(300_000)}${']'.repeat(300_000)}}`,
      /nested more than 100 levels deep/,
    ],
    [
      'holds mappings that are nested so',
      `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`,
      /nested more than 100 levels deep/,
    ],
    ['is huge', `{"text": "${'x'.repeat(17 * 1024 * 1024)}"}`, /is larger than 16 MiB/],
  ])('that %s is refused, without quoting it', async (_, content, message) => {
    const { result, stdout } = await call(content);

    expect(result).toMatchObject({ failed: true, code: 'BAD_ARGUMENTS_FILE' });
    expect(result.msg).toMatch(message);
    expect(stdout).not.toContain('hunter2');
  });

  test('that is missing is named', async () => {
    const { stdout } = await run(process.execPath, [fakeModule, '/nonexistent/args']);

    expect(JSON.parse(stdout)).toMatchObject({
      failed: true,
      msg: expect.stringContaining('/nonexistent/args cannot be read'),
    });
  });

  test('that was not given produces a text for people', async () => {
    const { stdout, code } = await run(process.execPath, [fakeModule]);

    expect(stdout).toContain("ansible localhost -m fake_operation -a 'cloud=NAME'");
    expect(code).toBe(2);
  });
});

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends the run with an answer', async (signal) => {
    const { result } = await call({ behaviour: 'wait' }, { signals: [signal] });

    expect(result).toMatchObject({ failed: true, code: 'INTERRUPTED', details: { signal } });
  });

  test('that is repeated ends even a run that ignores it', async () => {
    const { result } = await call({ behaviour: 'stubborn' }, { signals: ['SIGTERM', 'SIGTERM'] });

    expect(result).toMatchObject({ failed: true, code: 'INTERRUPTED' });
  });
});
