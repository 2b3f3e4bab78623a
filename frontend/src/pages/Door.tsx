import { Container, Paper, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';

import { useHeadingFocus } from '../components/useHeadingFocus';
import { texts } from '../texts';

/** The frame of the pages before logging in. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  useDocumentTitle(`${title} · ${texts.product}`);
  useHeadingFocus(); // not for the heading, the first field has the focus; but a page it is
  return (
    <Container size={420} py={{ base: 'xl', sm: 60 }} component="main">
      <Text ta="center" fw={700} mb="xs">
        {texts.product}
      </Text>
      <Title order={1} size="h2" ta="center" mb="lg">
        {title}
      </Title>
      <Paper withBorder p="lg">
        {children}
      </Paper>
    </Container>
  );
}
