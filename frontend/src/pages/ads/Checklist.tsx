import { Group, List, Stack, Text, ThemeIcon, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconCircleDashed, IconMinus } from '@tabler/icons-react';

import { adsTexts } from '../../texts/ads';
import { FixButton } from './FixButton';
import type { Point } from './prerequisites';

const words = adsTexts.checklist;
const LOOKS = {
  done: { color: 'green.8', Icon: IconCheck },
  open: { color: 'orange.8', Icon: IconCircleDashed },
  skipped: { color: 'gray.6', Icon: IconMinus },
} as const;

/** What has to be so before publishing, each point with the page that mends it. */
export function Checklist({ points }: { points: readonly Point[] }) {
  return (
    <Stack gap="sm">
      <List listStyleType="none" spacing="sm" withPadding={false}>
        {points.map((point) => (
          <List.Item key={point.name}>
            <Item point={point} />
          </List.Item>
        ))}
      </List>
      <Text size="xs" c="dimmed">
        {words.later}
      </Text>
    </Stack>
  );
}

function Item({ point }: { point: Point }) {
  const { color, Icon } = LOOKS[point.state];
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon color={color} size={24} radius="xl" aria-hidden>
        <Icon size={16} />
      </ThemeIcon>
      <Stack gap={6} align="flex-start">
        <Text size="sm" fw={500}>
          <VisuallyHidden>{words.states[point.state]}: </VisuallyHidden>
          {point.name}
        </Text>
        {point.hint !== null && (
          <Text size="sm" c="dimmed">
            {point.hint}
          </Text>
        )}
        {point.state === 'open' && point.fix !== null && <FixButton fix={point.fix} variant="default" />}
      </Stack>
    </Group>
  );
}
