import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** What stands where a list would be, before there is anything to list. */
export function Nothing({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <Stack gap="xs" align="flex-start" py="md">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed">
        {text}
      </Text>
      {children}
    </Stack>
  );
}
