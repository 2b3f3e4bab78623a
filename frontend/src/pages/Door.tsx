import { Container, Paper, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';

import { texts } from '../texts';

/** The frame of the pages before logging in. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  useDocumentTitle(`${title} · ${texts.product}`);
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
