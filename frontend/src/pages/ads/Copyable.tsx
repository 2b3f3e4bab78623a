import { ActionIcon, Code, CopyButton, Group, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

import { adsTexts } from '../../texts/ads';

const words = adsTexts.copy;

/** An id that people pass on: `what` it is goes into the button's name. */
export function Copyable({ value, what }: { value: string; what: string }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Code style={{ overflowWrap: 'anywhere' }}>{value}</Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <>
            <ActionIcon
              variant="subtle"
              color={copied ? 'green' : 'gray'}
              size="sm"
              aria-label={words.label(what)}
              title={copied ? words.done : words.label(what)}
              onClick={copy}
            >
              {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            </ActionIcon>
            <VisuallyHidden role="status">{copied ? words.done : ''}</VisuallyHidden>
          </>
        )}
      </CopyButton>
    </Group>
  );
}
