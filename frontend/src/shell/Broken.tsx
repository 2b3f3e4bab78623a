import { Container, Stack } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';

import { Failure } from '../components/Failure';
import { Page } from '../components/Page';
import { texts } from '../texts';

/** In place of a page that could not be shown. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <Container size="sm" py="xl" component="main">
      <Page title={texts.common.failed}>
        <Stack>
          <Failure
            error={error}
            retry={() => {
              reset();
              void router.invalidate();
            }}
          />
        </Stack>
      </Page>
    </Container>
  );
}
