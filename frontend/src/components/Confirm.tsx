import { Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';

import { texts } from '../texts';

/** Asks before something that is hard to take back; the safe answer has the focus. */
export function Confirm({
  opened,
  title,
  children,
  words,
  busy,
  confirm,
  cancel,
}: {
  opened: boolean;
  title: string;
  children: ReactNode;
  words: { confirm: string; cancel: string };
  busy: boolean;
  confirm: () => void;
  cancel: () => void;
}) {
  return (
    <Modal
      opened={opened}
      onClose={cancel}
      title={title}
      closeButtonProps={{ 'aria-label': texts.common.close }}
    >
      <Stack>
        {children}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={cancel} data-autofocus>
            {words.cancel}
          </Button>
          <Button color="red" loading={busy} onClick={confirm}>
            {words.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
