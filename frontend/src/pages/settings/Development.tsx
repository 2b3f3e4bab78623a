import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';

import { api, ok } from '../../api/client';
import { asProblem } from '../../api/problem';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { settings } from '../../texts/settings';
import { useReadAgain } from './changes';
import classes from './Settings.module.css';

const texts = settings.development;

/**
 * Folded away, since it is for developers. Only an attempt tells whether the installation allows it: when it
 * does not, the gateway's words say so and the button stays off.
 */
export function Development({ replaces }: { replaces: boolean }) {
  const readAgain = useReadAgain();
  const connect = useMutation({
    mutationFn: () => ok(api.POST('/meta/dev-connect', { body: {} })),
    onSuccess: readAgain,
  });
  const isForbidden = connect.isError && asProblem(connect.error).status === 403;
  return (
    <details className={classes.details}>
      <summary>{texts.title}</summary>
      <Stack gap="sm" align="flex-start" mt="sm">
        <Text size="sm">
          {texts.text} {replaces && texts.replaces}
        </Text>
        <Button
          variant="default"
          size="xs"
          loading={connect.isPending}
          disabled={isForbidden}
          onClick={() => {
            connect.mutate();
          }}
        >
          {texts.button}
        </Button>
        {connect.isError && <Failure error={connect.error} />}
        <Done>{connect.isSuccess && texts.done}</Done>
      </Stack>
    </details>
  );
}
