import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';

import { asProblem } from '../api/problem';
import { texts } from '../texts';

/** What went wrong and what to do about it; with a button when trying again can help. */
export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = asProblem(error);
  return (
    <Alert
      color="red"
      icon={<IconAlertCircle aria-hidden />}
      title={problem.message}
      role="alert"
      variant="light"
    >
      <Stack gap="xs" align="flex-start">
        {problem.hint !== null && <Text size="sm">{problem.hint}</Text>}
        {problem.retryAfterSeconds !== null && (
          <Text size="sm">{texts.common.wait(problem.retryAfterSeconds)}</Text>
        )}
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            {texts.common.tryAgain}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
