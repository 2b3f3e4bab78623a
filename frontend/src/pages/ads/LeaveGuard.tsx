import { Button, Group, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';

import { adsTexts } from '../../texts/ads';

import { Dialog } from './Dialog';

const words = adsTexts.setup.guard;

/** Asks before unsaved changes are left behind, on the way to another page or out of the tab. */
export function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const blocker = useBlocker({
    // Who has to log in again finds the draft afterwards.
    shouldBlockFn: ({ current, next }) =>
      isDirty && current.pathname !== next.pathname && next.fullPath !== '/login',
    enableBeforeUnload: isDirty,
    withResolver: true,
  });
  if (blocker.status !== 'blocked') return null;
  return (
    <Dialog onClose={blocker.reset} title={words.title}>
      <Text size="sm">{words.text}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={blocker.proceed}>
          {words.leave}
        </Button>
        <Button data-autofocus onClick={blocker.reset}>
          {words.stay}
        </Button>
      </Group>
    </Dialog>
  );
}
