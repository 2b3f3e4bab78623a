import { Button, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { api, ok } from '../../api/client';
import { metaStatus } from '../../api/queries';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { Section } from '../../components/Section';
import { settings } from '../../texts/settings';

const texts = settings.smoke;

/** The read-only check: it shows whether Meta still accepts the connection. */
export function Smoke() {
  const queries = useQueryClient();
  const check = useMutation({
    mutationFn: () => ok(api.GET('/meta/debug/smoke')),
    // Meta's refusal of the token changes the connection's status, too.
    onError: () => queries.invalidateQueries({ queryKey: metaStatus.queryKey }),
  });
  return (
    <Section title={texts.title}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{texts.text}</Text>
        <Button
          variant="default"
          loading={check.isPending}
          onClick={() => {
            check.mutate();
          }}
        >
          {texts.button}
        </Button>
        {check.isError && <Failure error={check.error} />}
        <Done>
          {check.isSuccess && (
            <>
              {texts.passed(check.data.me.name, check.data.adAccounts.length)}
              {typeof check.data.hint === 'string' && <Text size="sm">{check.data.hint}</Text>}
            </>
          )}
        </Done>
      </Stack>
    </Section>
  );
}
