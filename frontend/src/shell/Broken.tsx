import { Container } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';

import { isReachable, whenReachabilityChanges } from '../api/reachability';
import { Failure } from '../components/Failure';
import { Page } from '../components/Page';
import { Unreachable } from '../components/Unreachable';
import { texts } from '../texts';

/** In place of a page that could not be shown. It tries again by itself when the gateway is back. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = useCallback(() => {
    reset();
    void router.invalidate();
  }, [reset, router]);
  useEffect(
    () =>
      whenReachabilityChanges(() => {
        if (isReachable()) retry();
      }),
    [retry],
  );
  return (
    <Page title={texts.common.failed}>
      <Failure error={error} retry={retry} />
    </Page>
  );
}

/** In place of everything, menu included. */
export function Broken(props: ErrorComponentProps) {
  return (
    <Container size="sm" py="xl" component="main">
      <Unreachable />
      <BrokenPage {...props} />
    </Container>
  );
}
