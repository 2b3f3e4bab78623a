import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';

import { api, ok, type Schema } from '../../api/client';
import { Confirm } from '../../components/Confirm';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { Loaded } from '../../components/Loaded';
import { Section } from '../../components/Section';
import { forgetCustomer } from '../../shell/session';
import { account } from '../../texts/account';
import { browserOf } from './browsers';

const texts = account.sessions;

export const sessions = queryOptions({
  queryKey: ['sessions'],
  queryFn: () => ok(api.GET('/auth/sessions')),
});

/** The open sessions: each can be ended, and all at once. */
export function Sessions() {
  const list = useQuery(sessions);
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: (session_id: string) =>
      ok(api.POST('/auth/sessions/{session_id}/end', { params: { path: { session_id } }, body: {} })),
    onSettled: () => queries.invalidateQueries({ queryKey: sessions.queryKey }),
  });
  return (
    <Section title={texts.title} aside={<Everywhere />}>
      <Loaded query={list}>
        {({ data }) => (
          <Stack gap="md" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
            {data.map((session) => (
              <Row
                key={session.id}
                session={session}
                busy={end.isPending && end.variables === session.id}
                end={() => {
                  end.mutate(session.id);
                }}
              />
            ))}
          </Stack>
        )}
      </Loaded>
      {end.isError && <Failure error={end.error} />}
      <Done>{end.isSuccess && texts.ended}</Done>
    </Section>
  );
}

function Row({ session, busy, end }: { session: Schema['SessionView']; busy: boolean; end: () => void }) {
  const browser = browserOf(session.userAgent);
  return (
    <Group component="li" justify="space-between" wrap="nowrap" gap="sm">
      <div>
        <Text size="sm" fw={500}>
          {browser}
        </Text>
        <Text size="xs" c="dimmed">
          {texts.since(moment(session.createdAt))} · {texts.lastSeen(moment(session.lastSeenAt))}
        </Text>
      </div>
      {session.current ? (
        <Badge variant="light" style={{ flexShrink: 0 }}>
          {texts.current}
        </Badge>
      ) : (
        <Button
          size="xs"
          variant="default"
          loading={busy}
          onClick={end}
          aria-label={texts.endOne(browser)}
          style={{ flexShrink: 0 }}
        >
          {texts.end}
        </Button>
      )}
    </Group>
  );
}

function Everywhere() {
  const router = useRouter();
  const [asks, { open, close }] = useDisclosure();
  const leave = useMutation({
    mutationFn: () => ok(api.POST('/auth/logout-everywhere', { body: {} })),
    onSuccess: async () => {
      forgetCustomer();
      await router.navigate({ to: '/login' });
    },
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {texts.everywhere}
      </Button>
      <Confirm
        opened={asks}
        title={texts.ask.title}
        words={texts.ask}
        busy={leave.isPending}
        confirm={() => {
          leave.mutate();
        }}
        cancel={close}
      >
        <Text size="sm">{texts.ask.text}</Text>
        {leave.isError && <Failure error={leave.error} />}
      </Confirm>
    </>
  );
}

function moment(at: string): string {
  return new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
}
