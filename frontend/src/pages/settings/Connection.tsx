import { Alert, Badge, Button, Group, List, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useEffect } from 'react';

import { api, ok, type Schema } from '../../api/client';
import { Confirm } from '../../components/Confirm';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { settings } from '../../texts/settings';
import { ConnectionFacts } from './ConnectionFacts';
import { Development } from './Development';
import { useReadAgain } from './changes';

const texts = settings.connection;
const COLOURS = { connected: 'green', disconnected: 'gray', error: 'red' } as const;

export function Connection({ status }: { status: Schema['MetaStatus'] }) {
  const readAgain = useReadAgain();
  const [asks, { open, close }] = useDisclosure();
  const disconnect = useMutation({
    mutationFn: () => ok(api.POST('/meta/disconnect', { body: {} })),
    onSuccess: readAgain,
    onSettled: close,
  });
  const exists = status.status !== 'disconnected';
  return (
    <>
      <Badge color={COLOURS[status.status]} variant="light" size="lg">
        {texts.status[status.status]}
      </Badge>
      {typeof status.hint === 'string' && (
        <Alert
          color={status.status === 'error' ? 'red' : 'yellow'}
          icon={<IconAlertTriangle aria-hidden />}
          role="note"
        >
          {status.hint}
        </Alert>
      )}
      {exists ? <ConnectionFacts status={status} /> : <Text size="sm">{texts.intro}</Text>}
      <Group gap="sm">
        <ConnectButton exists={exists} urgent={status.status !== 'connected'} />
        {exists && (
          <Button variant="default" onClick={open}>
            {texts.disconnect}
          </Button>
        )}
      </Group>
      {disconnect.isError && <Failure error={disconnect.error} />}
      <Done>{disconnect.isSuccess && !exists && texts.disconnected}</Done>
      <Development replaces={exists} />
      <Confirm
        opened={asks}
        title={settings.disconnect.title}
        words={settings.disconnect}
        busy={disconnect.isPending}
        confirm={() => {
          disconnect.mutate();
        }}
        cancel={close}
      >
        <List size="sm">
          {settings.disconnect.effects.map((effect) => (
            <List.Item key={effect}>{effect}</List.Item>
          ))}
        </List>
      </Confirm>
    </>
  );
}

/** Leaves for Meta's dialog, which sends the browser back to the settings. */
function ConnectButton({ exists, urgent }: { exists: boolean; urgent: boolean }) {
  const { mutate, reset, ...leave } = useMutation({
    mutationFn: () => ok(api.GET('/meta/oauth/connect-url')),
    onSuccess: ({ url }) => {
      window.location.assign(url);
    },
  });
  // "Back" shows this page as it was when it was left: with a button that is still busy.
  useEffect(() => {
    window.addEventListener('pageshow', reset);
    return () => {
      window.removeEventListener('pageshow', reset);
    };
  }, [reset]);
  return (
    <>
      <Button
        variant={urgent ? 'filled' : 'default'}
        loading={leave.isPending || leave.isSuccess}
        onClick={() => {
          mutate();
        }}
      >
        {exists ? texts.reconnect : texts.connect}
      </Button>
      {leave.isError && <Failure error={leave.error} />}
    </>
  );
}
