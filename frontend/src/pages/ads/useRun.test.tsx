import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, renderHook, waitFor } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Schema } from '../../api/client';
import { adsStatus, me } from '../../api/queries';
import { gatewayForTests, refusal } from '../../testing/gateway';
import type { RunWithSteps } from './runs';
import { runOf, runWith, statusOf, stepOf } from './samples';
import { POLL_MS, useRun } from './useRun';

const CUSTOMER = '7f1a2c9d-5b1e-4f57-8a6c-9d2e4b1c0a22';
const ADA = { customerId: CUSTOMER, userId: CUSTOMER, email: 'ada@example.com' };
const RUN = runOf().id;

/** The browser's EventSource, which jsdom does not have, worked by hand. */
class Stream extends EventTarget {
  static all: Stream[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  isClosed = false;

  constructor(
    readonly url: string,
    readonly options: EventSourceInit,
  ) {
    super();
    Stream.all.push(this);
  }

  send(name: string, data: unknown): void {
    this.dispatchEvent(
      new MessageEvent(name, { data: typeof data === 'string' ? data : JSON.stringify(data) }),
    );
  }

  close(): void {
    this.isClosed = true;
  }
}

const gateway = gatewayForTests();
let answer: RunWithSteps | 'unreachable';

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  vi.stubGlobal('EventSource', Stream);
  Stream.all = [];
  answer = runWith([stepOf(1)]);
  gateway.by = (request) => {
    expect(new URL(request.url).pathname).toBe(`/ads/runs/${RUN}`);
    return answer === 'unreachable' ? refusal(503, 'UNAVAILABLE', 'Away') : Response.json(answer);
  };
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const asked = () => gateway.seen.length;

async function follow(status = statusOf()) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  client.setQueryData<Schema['Me'] | null>(me.queryKey, ADA);
  client.setQueryData(adsStatus.queryKey, status);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  const view = renderHook(() => useRun(RUN), { wrapper });
  await waitFor(() => {
    expect(view.result.current.data).toBeDefined();
  });
  return {
    ...view,
    versions: () => view.result.current.data?.steps.map(({ version }) => version),
    status: () => view.result.current.data?.status,
    isStatusStale: () => client.getQueryState(adsStatus.queryKey)?.isInvalidated,
  };
}

function stream(): Stream {
  const newest = Stream.all.at(-1);
  if (newest === undefined) throw new Error('No stream was opened');
  return newest;
}

const wait = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));

/** Let something happen and everybody hear of it. */
async function happens(what: () => void): Promise<void> {
  act(what);
  await wait(1);
}

test('steps of the stream show as they come, and its end is the end', async () => {
  const run = await follow();
  expect(stream().url).toBe(`/ads/runs/${RUN}/events?customerId=${CUSTOMER}`);
  expect(stream().options.withCredentials).toBe(true);
  await happens(() => {
    stream().onopen?.();
    stream().send('step', stepOf(1));
    stream().send('step', stepOf(2));
  });
  expect(run.versions()).toEqual([1, 2]);
  await happens(() => {
    stream().send('end', runOf({ status: 'success' }));
  });
  expect(run.status()).toBe('success');
  expect(stream().isClosed).toBe(true);
  const before = asked();
  await wait(POLL_MS.besideStream * 3);
  expect(asked()).toBe(before);
});

test('a run is polled when the stream cannot be had, until it ends', async () => {
  const run = await follow();
  await happens(() => stream().onerror?.());
  answer = runWith([stepOf(1), stepOf(2)]);
  await wait(POLL_MS.alone + 100);
  expect(run.versions()).toEqual([1, 2]);
  answer = 'unreachable';
  await wait(POLL_MS.alone + 100);
  expect(run.versions()).toEqual([1, 2]);
  answer = runWith([stepOf(1), stepOf(2), stepOf(3)], { status: 'failed' });
  await wait(POLL_MS.alone + 100);
  expect(run.status()).toBe('failed');
  const before = asked();
  await wait(POLL_MS.alone * 3);
  expect(asked()).toBe(before);
});

test('polling takes over when a stream breaks, and rests when it is back', async () => {
  await follow();
  await happens(() => stream().onopen?.());
  await wait(POLL_MS.alone * 3);
  expect(asked()).toBe(1);
  await happens(() => stream().onerror?.());
  await wait(POLL_MS.alone * 2 + 100);
  expect(asked()).toBe(3);
  await happens(() => stream().onopen?.());
  await wait(POLL_MS.alone * 3);
  expect(asked()).toBe(3);
});

test('a stream that has died in silence does not hide the end', async () => {
  const run = await follow();
  await happens(() => stream().onopen?.());
  answer = runWith([stepOf(1), stepOf(2)], { status: 'success' });
  await wait(POLL_MS.besideStream + 100);
  expect(run.status()).toBe('success');
  expect(stream().isClosed).toBe(true);
});

test('a browser without server-sent events polls', async () => {
  vi.stubGlobal('EventSource', undefined);
  const run = await follow();
  answer = runWith([stepOf(1)], { status: 'success' });
  await wait(POLL_MS.alone + 100);
  expect(run.status()).toBe('success');
});

test('an event that cannot be read is passed over', async () => {
  const run = await follow();
  await happens(() => {
    stream().send('step', '{"version":');
    stream().send('step', stepOf(2));
  });
  expect(run.versions()).toEqual([1, 2]);
});

test('the end of a run makes the status be read again, however quick the run was', async () => {
  const run = await follow();
  expect(run.isStatusStale()).toBe(false);
  await happens(() => {
    stream().send('end', runOf({ status: 'success' }));
  });
  expect(run.isStatusStale()).toBe(true);
  answer = runWith([stepOf(1)], { status: 'success' });
  const quick = await follow(statusOf({ lastRuns: [runOf({ status: 'queued' })] }));
  expect(quick.isStatusStale()).toBe(true);
});

test('a status that knows the end of a run is not read again', async () => {
  answer = runWith([stepOf(1)], { status: 'success' });
  const run = await follow(statusOf({ lastRuns: [runOf({ status: 'success' })] }));
  expect(run.isStatusStale()).toBe(false);
});

test('a run that has ended is not streamed at all', async () => {
  answer = runWith([stepOf(1)], { status: 'success' });
  await follow();
  expect(Stream.all).toEqual([]);
});

test('nobody listens any more after the page was left', async () => {
  const run = await follow();
  run.unmount();
  expect(stream().isClosed).toBe(true);
});
