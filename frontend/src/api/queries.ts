import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';

import { api, ok, callForCustomer } from './client';
import { Problem } from './problem';
import { dropSignIn, mayBeSignedIn } from './signIn';

/** Everything that the pages read, by name; a mutation invalidates what it changed by these keys. */
export const me = queryOptions({
  queryKey: ['me'],
  queryFn: async () => {
    if (!mayBeSignedIn()) return null;
    try {
      const found = await ok(api.GET('/auth/me'));
      callForCustomer(found.customerId);
      return found;
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      dropSignIn();
      return null;
    }
  },
  staleTime: 60_000,
});

export const metaStatus = queryOptions({
  queryKey: ['meta', 'status'],
  queryFn: () => ok(api.GET('/meta/status')),
});

export const adAccounts = queryOptions({
  queryKey: ['meta', 'ad-accounts'],
  queryFn: () => ok(api.GET('/meta/ad-accounts')),
});

export const adsStatus = queryOptions({
  queryKey: ['ads', 'status'],
  queryFn: () => ok(api.GET('/ads/status')),
});

/** One run with its timeline. */
export const runWithSteps = (runId: string) =>
  queryOptions({
    queryKey: ['ads', 'run', runId],
    queryFn: () => ok(api.GET('/ads/runs/{run_id}', { params: { path: { run_id: runId } } })),
  });

const NEWEST_RUNS = 20;
const OLDER_RUNS = 100;

/** All runs, newest first: a short page, then long ones, for who searches. */
export const runs = infiniteQueryOptions({
  queryKey: ['ads', 'runs'],
  queryFn: ({ pageParam }) =>
    ok(
      api.GET('/ads/runs', {
        params: { query: { limit: pageParam === null ? NEWEST_RUNS : OLDER_RUNS, before: pageParam } },
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.nextBefore ?? null,
});
