import { Alert } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { Children, type ReactNode } from 'react';

import classes from './Done.module.css';

/** What worked. The element is there before its text, since screen readers announce only a change. */
export function Done({ children }: { children: ReactNode }) {
  const isSilent = Children.toArray(children).length === 0;
  return (
    <div role="status" className={classes.place}>
      {!isSilent && (
        <Alert color="green" variant="light" role="note" icon={<IconCircleCheck aria-hidden />}>
          {children}
        </Alert>
      )}
    </div>
  );
}
