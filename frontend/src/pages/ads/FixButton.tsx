import type { ButtonProps } from '@mantine/core';

import { RouteButton } from '../../components/links';
import type { Fix } from './prerequisites';

/** Leads to the page on which something can be put right. */
export function FixButton({ fix, ...looks }: { fix: Fix } & Pick<ButtonProps, 'variant' | 'size'>) {
  return (
    <RouteButton to={fix.to} {...(fix.hash !== undefined && { hash: fix.hash })} size="xs" {...looks}>
      {fix.label}
    </RouteButton>
  );
}
