import { Alert } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** What worked. The element is there before its text, since screen readers announce only a change. */
export function Done({ children }: { children: ReactNode }) {
  const isSilent = children === null || children === undefined || children === false;
  return (
    <div role="status">
      {!isSilent && (
        <Alert color="green" variant="light" icon={<IconCircleCheck aria-hidden />}>
          {children}
        </Alert>
      )}
    </div>
  );
}
