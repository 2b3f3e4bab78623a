import { Container } from '@mantine/core';

import { RouteAnchor } from '../components/links';
import { Page } from '../components/Page';
import { texts } from '../texts';

export function NotFound() {
  return (
    <Container py="xl" component="main">
      <Page title={texts.common.notFound}>
        <RouteAnchor to="/ads">{texts.common.home}</RouteAnchor>
      </Page>
    </Container>
  );
}
