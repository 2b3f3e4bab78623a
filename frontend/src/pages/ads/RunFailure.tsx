import { Button, Group, Stack, Text } from '@mantine/core';

import { adsTexts } from '../../texts/ads';
import { pageThatMends, whatWentWrong } from './failure';
import { FixButton } from './FixButton';
import { Notice } from './Notice';
import type { Run } from './runs';

const words = adsTexts.failure;

/** Why a run failed, what to do, who can, and where. */
export function RunFailure({ run, retry }: { run: Run; retry?: (() => void) | undefined }) {
  const fix = pageThatMends(run);
  return (
    <Notice kind="error" title={whatWentWrong(run)} role="alert">
      <Stack gap="xs" align="flex-start">
        {run.hint !== null && <Text size="sm">{run.hint}</Text>}
        {run.fixedBy !== null && <Text size="sm">{words.fixedBy[run.fixedBy]}</Text>}
        <Group gap="xs">
          {fix !== null && <FixButton fix={fix} />}
          {retry && (
            <Button size="xs" variant="default" onClick={retry}>
              {words.tryAgain}
            </Button>
          )}
        </Group>
      </Stack>
    </Notice>
  );
}
