import { describe, expect, test } from '@jest/globals';
import type { Measurements, Outcome } from '../../modules/core/operation.js';
import { formatExposition, parseExposition } from '../../modules/core/exposition.js';
import { familiesOf, metricsOfRun, withEarlier, type EndedRun } from '../../modules/runtime/run-metrics.js';

const endedAt = new Date('2025-11-27T10:00:00.900Z');
const outcome: Outcome = {
  ...{ changed: false, message: 'done', values: {}, failures: [], warnings: [], differences: [] },
  table: { columns: [], rows: [] },
};
const measured: Measurements = {
  failureCodes: [],
  actions: ['up_to_date', 'deploy', 'deploy'],
  transferredBytes: 2048,
  production: [
    { name: 'CC-One', release: '20250422-v1', builtAt: 1745280000, catalogueChangedAt: 1745366400, bytes: 7 },
  ],
};

const run = (result: EndedRun['result']) => metricsOfRun({ name: 'image_deploy', endedAt, seconds: 12.5, result });
/** The lines without descriptions and types. */
const lines = (result: EndedRun['result']): string[] =>
  formatExposition(familiesOf(run(result)))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

test('a success is told by the name that the alerts of sites watch, and by what was done', () => {
  expect(lines({ ...outcome, measurements: measured })).toEqual([
    'periodic_task_last_success{name="image_deploy"} 1764237600',
    'image_tools_last_run_timestamp_seconds{name="image_deploy"} 1764237600',
    'image_tools_last_run_success{name="image_deploy"} 1',
    'image_tools_last_run_duration_seconds{name="image_deploy"} 12.5',
    'image_tools_last_run_bytes{name="image_deploy"} 2048',
    'image_tools_last_run_images{name="image_deploy",action="deploy"} 2',
    'image_tools_last_run_images{name="image_deploy",action="failed"} 0',
    'image_tools_last_run_images{name="image_deploy",action="up_to_date"} 1',
    'image_tools_last_run_failures{name="image_deploy",code="PART_FAILED"} 0',
    'image_tools_image_release_timestamp_seconds{name="image_deploy",image="CC-One",release="20250422-v1"} 1745280000',
    'image_tools_image_catalogue_changed_timestamp_seconds{name="image_deploy",image="CC-One",release="20250422-v1"} 1745366400',
    'image_tools_image_size_bytes{name="image_deploy",image="CC-One",release="20250422-v1"} 7',
  ]);
});

test('only the gauge that other tools write too has no description', () => {
  expect(familiesOf(run(outcome)).flatMap(({ name, help }) => (help === undefined ? [name] : []))).toEqual([
    'periodic_task_last_success',
  ]);
});

describe('a failure', () => {
  test('of the whole run is counted by its code, and says nothing about images', () => {
    expect(lines({ code: 'AUTHENTICATION_FAILED' })).toEqual([
      'image_tools_last_run_timestamp_seconds{name="image_deploy"} 1764237600',
      'image_tools_last_run_success{name="image_deploy"} 0',
      'image_tools_last_run_duration_seconds{name="image_deploy"} 12.5',
      'image_tools_last_run_failures{name="image_deploy",code="AUTHENTICATION_FAILED"} 1',
      'image_tools_last_run_failures{name="image_deploy",code="PART_FAILED"} 0',
    ]);
  });

  test('of parts is counted by their codes, and PART_FAILED where there is none', () => {
    const failureCodes = ['CHECKSUM_MISMATCH', undefined, 'CHECKSUM_MISMATCH'];
    const failed = { ...outcome, failures: ['one', 'two', 'three'], measurements: { ...measured, failureCodes } };

    expect(lines(failed).filter((line) => /failures|success/.test(line))).toEqual([
      'image_tools_last_run_success{name="image_deploy"} 0',
      'image_tools_last_run_failures{name="image_deploy",code="CHECKSUM_MISMATCH"} 2',
      'image_tools_last_run_failures{name="image_deploy",code="PART_FAILED"} 1',
    ]);
  });

  test('of an operation that measures nothing is still a failure', () => {
    expect(lines({ ...outcome, failures: ['one'] })).toContain(
      'image_tools_last_run_failures{name="image_deploy",code="PART_FAILED"} 1',
    );
  });
});

test('deletions that the limit refused are counted, none too', () => {
  const refusing = (refusedDeletions: number) => lines({ ...outcome, measurements: { ...measured, refusedDeletions } });

  expect(refusing(3)).toContain('image_tools_last_run_refused_deletions{name="image_deploy"} 3');
  expect(refusing(0)).toContain('image_tools_last_run_refused_deletions{name="image_deploy"} 0');
});

describe('what an earlier run wrote', () => {
  const earlier = parseExposition(
    [
      'periodic_task_last_success{name="image_deploy"} 1700000000',
      'periodic_task_last_success{name="image_clean"} 1600000000',
      'image_tools_last_run_failures{name="image_deploy",code="TIMEOUT"} 1',
      'image_tools_image_size_bytes{name="image_deploy",image="CC-Gone",release="1"} 1',
      'node_load1 0.5',
    ].join('\n'),
  );
  const after = (result: EndedRun['result']) => withEarlier(run(result), earlier, 'image_deploy');

  test('stays where a failed run knows nothing: the last success, and the images', () => {
    const merged = after({ code: 'TIMEOUT' });

    expect(merged.get('periodic_task_last_success')).toEqual([
      { labels: { name: 'image_deploy' }, value: 1700000000 },
      { labels: { name: 'image_clean' }, value: 1600000000 },
    ]);
    expect(merged.get('image_tools_image_size_bytes')).toHaveLength(1);
  });

  test('goes where the run knows better, and stays if it is of another operation', () => {
    const merged = after({ ...outcome, measurements: measured });

    expect(merged.get('periodic_task_last_success')?.map(({ value }) => value)).toEqual([1600000000, 1764237600]);
    expect(merged.get('image_tools_last_run_failures')?.map(({ labels }) => labels.code)).toEqual(['PART_FAILED']);
    expect(merged.get('image_tools_image_size_bytes')?.map(({ labels }) => labels.image)).toEqual(['CC-One']);
  });

  test('goes too when there is none any more', () => {
    const merged = after({ ...outcome, measurements: { ...measured, production: [] } });

    expect(merged.get('image_tools_image_size_bytes')).toEqual([]);
  });

  test('is not taken over from others', () => {
    expect(after({ code: 'TIMEOUT' }).has('node_load1')).toBe(false);
  });
});
