import { Alert, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useEffect, useSyncExternalStore } from 'react';

import { api, ok } from '../api/client';
import { isReachable, whenReachabilityChanges } from '../api/reachability';
import { queryClient } from '../shell/session';
import { texts } from '../texts';

const AGAIN_MS = 3_000;

/** Says that the gateway does not answer, for as long as it does not. */
export function Unreachable() {
  const reachable = useSyncExternalStore(whenReachabilityChanges, isReachable);
  return <div aria-live="assertive">{!reachable && <Waiting />}</div>;
}

/** Asks until the gateway answers; then everything on the page is read again. */
function Waiting() {
  const ask = useQuery({
    queryKey: ['health'],
    queryFn: () => ok(api.GET('/health/live')),
    refetchInterval: AGAIN_MS,
    retry: false,
    gcTime: 0,
  });
  useEffect(
    () => () => {
      void queryClient.invalidateQueries();
    },
    [],
  );
  return (
    <Alert
      color="red"
      mb="lg"
      title={texts.unreachable.title}
      icon={<IconPlugConnectedX aria-hidden />}
      aria-busy={ask.isFetching}
    >
      <Text size="sm">{texts.unreachable.text}</Text>
    </Alert>
  );
}
