import { describe, expect, test } from 'vitest';

import { ALL, matching } from './runFilter';
import { ended, folded, merged, newestPublish, textOf, waitOf, withStep } from './runs';
import { runOf, runWith, stepOf } from './samples';

describe('a run that is followed', () => {
  test('takes each step once and in order, however often and late it comes', () => {
    const run = [3, 1, 2, 2].reduce((known, version) => withStep(known, stepOf(version)), runWith([]));
    expect(run.steps.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  test('runs from its first step on', () => {
    const run = withStep(runWith([], { status: 'queued', startedAt: null }), stepOf(1));
    expect(run).toMatchObject({ status: 'running', startedAt: stepOf(1).at });
  });

  test('keeps its steps at its end', () => {
    const run = ended(runWith([stepOf(1)]), runOf({ status: 'failed', errorMessage: 'No' }));
    expect(run).toMatchObject({ status: 'failed', errorMessage: 'No', steps: [{ version: 1 }] });
  });

  test('does not go back when an older answer comes in after the stream', () => {
    const known = runWith([stepOf(1), stepOf(2)], { status: 'success' });
    const late = runWith([stepOf(1)], { status: 'running' });
    expect(merged(known, late)).toMatchObject({ status: 'success', steps: [{ version: 1 }, { version: 2 }] });
  });

  test('takes what a newer answer says, and steps that the stream left out', () => {
    const known = runWith([stepOf(1), stepOf(3)]);
    const news = runWith([stepOf(1), stepOf(2), stepOf(3), stepOf(4)], { status: 'failed' });
    expect(merged(known, news)).toEqual(news);
  });

  test('is not mixed up with another run', () => {
    const other = runWith([stepOf(1)], { id: 'other' });
    expect(merged(runWith([stepOf(1), stepOf(2)]), other)).toBe(other);
  });

  test('does not open again by a step that comes after its end', () => {
    expect(withStep(runWith([], { status: 'failed' }), stepOf(9)).status).toBe('failed');
  });
});

describe('what a run waits for', () => {
  const until = '2026-01-31T12:01:00.000Z';
  const waiting = stepOf(2, {
    type: 'RUN_WAITING',
    state: null,
    message: 'Waiting for Meta',
    data: { until },
  });

  test('is what its last step says, with the time', () => {
    expect(waitOf(runWith([stepOf(1), waiting]))).toEqual({ message: 'Waiting for Meta', until });
  });

  test('is a question to Meta, too, which has no time', () => {
    const checking = stepOf(2, { state: 'checking', message: 'Checking with Meta' });
    expect(waitOf(runWith([checking]))).toEqual({ message: 'Checking with Meta', until: null });
  });

  test('is nothing once it goes on or has ended', () => {
    expect(waitOf(runWith([waiting, stepOf(3)]))).toBeNull();
    expect(waitOf(runWith([waiting], { status: 'failed' }))).toBeNull();
    expect(waitOf(runWith([]))).toBeNull();
  });
});

test('waits in a row are one line with the last of them, and what comes between parts them', () => {
  const wait = (version: number) => stepOf(version, { type: 'RUN_WAITING' });
  const lines = folded([stepOf(1), wait(2), wait(3), wait(4), stepOf(5), wait(6)]);
  expect(lines.map(({ step, looks }) => [step.version, looks])).toEqual([
    [1, 1],
    [4, 3],
    [5, 1],
    [6, 1],
  ]);
});

test('facts of a step are read as text only when they are', () => {
  expect(textOf(stepOf(1, { data: { fbtraceId: 'Abc' } }), 'fbtraceId')).toBe('Abc');
  expect(textOf(stepOf(1, { data: { fbtraceId: 7 } }), 'fbtraceId')).toBeNull();
  expect(textOf(stepOf(1), 'fbtraceId')).toBeNull();
});

test('a sync is not the newest publish', () => {
  const publish = runOf({ id: 'publish' });
  expect(newestPublish([runOf({ jobType: 'sync' }), publish, runOf()])).toBe(publish);
});

test('runs are filtered by both choices at once', () => {
  const failed = runOf({ status: 'failed' });
  const sync = runOf({ status: 'failed', jobType: 'sync' });
  const done = runOf({ status: 'success' });
  expect(matching([failed, sync, done], ALL)).toEqual([failed, sync, done]);
  expect(matching([failed, sync, done], { status: 'failed', kind: 'publish' })).toEqual([failed]);
});
