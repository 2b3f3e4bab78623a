import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { adsStatus, me, metaStatus, runs, runWithSteps } from '../../api/queries';
import { listen, streamAddress } from './events';
import type { AdsStatus } from './prerequisites';
import { ended, isOpen, merged, type RunWithSteps, withStep } from './runs';

/** How often a run is asked for: the second is for a stream that has died without saying so. */
export const POLL_MS = { alone: 2_000, besideStream: 20_000 };

/** A run, followed live until it ends: over server-sent events, and by polling when there are none. */
export function useRun(runId: string): UseQueryResult<RunWithSteps> {
  const client = useQueryClient();
  const customerId = useQuery(me).data?.customerId;
  const [isLive, setLive] = useState(false);
  const options = runWithSteps(runId);
  const query = useQuery({
    ...options,
    structuralSharing: (known, news) => merged(known as RunWithSteps | undefined, news as RunWithSteps),
    refetchInterval: ({ state }) =>
      state.data !== undefined && isOpen(state.data) && (isLive ? POLL_MS.besideStream : POLL_MS.alone),
    // Polls go on after failures: nothing else would tell of the end.
    refetchIntervalInBackground: true,
  });
  const isFollowed = query.data !== undefined && isOpen(query.data);

  useEffect(() => {
    if (!isFollowed || customerId === undefined) return undefined;
    const change = (to: (run: RunWithSteps) => RunWithSteps): void => {
      client.setQueryData(runWithSteps(runId).queryKey, (run) => run && to(run));
    };
    const stop = listen(streamAddress(runId, customerId), {
      onLive: () => {
        setLive(true);
      },
      onBroken: () => {
        setLive(false);
      },
      onStep: (step) => {
        change((run) => withStep(run, step));
      },
      onEnd: (end) => {
        change((run) => ended(run, end));
      },
    });
    return () => {
      stop();
      setLive(false);
    };
  }, [client, customerId, isFollowed, runId]);

  // However its end came to be known: what else is on the page has changed with it. A quick run has ended
  // before it is first asked for; then the status was read before its end.
  const [wasOpen, setWasOpen] = useState(false);
  if (isFollowed && !wasOpen) setWasOpen(true);
  const hasEnded = query.data !== undefined && !isFollowed;
  useEffect(() => {
    if (!hasEnded) return;
    if (!wasOpen && knowsEnd(client.getQueryData(adsStatus.queryKey), runId)) return;
    void client.invalidateQueries({ queryKey: adsStatus.queryKey });
    void client.invalidateQueries({ queryKey: metaStatus.queryKey });
    void client.invalidateQueries({ queryKey: runs.queryKey });
  }, [client, hasEnded, runId, wasOpen]);

  return query;
}

function knowsEnd(status: AdsStatus | undefined, runId: string): boolean {
  return status === undefined || status.lastRuns.some((run) => run.id === runId && !isOpen(run));
}
