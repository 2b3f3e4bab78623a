import { Button, Group, List, Modal, Stack } from '@mantine/core';

import { settings } from '../../texts/settings';

const texts = settings.disconnect;

/** Asks before disconnecting, and says what that does. */
export function Disconnect({
  opened,
  busy,
  confirm,
  cancel,
}: {
  opened: boolean;
  busy: boolean;
  confirm: () => void;
  cancel: () => void;
}) {
  return (
    <Modal
      opened={opened}
      onClose={cancel}
      title={texts.title}
      closeButtonProps={{ 'aria-label': texts.close }}
    >
      <Stack>
        <List size="sm">
          {texts.effects.map((effect) => (
            <List.Item key={effect}>{effect}</List.Item>
          ))}
        </List>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={cancel} data-autofocus>
            {texts.cancel}
          </Button>
          <Button color="red" loading={busy} onClick={confirm}>
            {texts.confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
