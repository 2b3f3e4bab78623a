import type { ReactNode } from 'react';

import classes from './Live.module.css';

/** What is read out when it changes. The element is always there: only changes inside it are announced. */
export function Live({ children }: { children: ReactNode }) {
  return (
    <div role="status" className={classes.live}>
      {children}
    </div>
  );
}
