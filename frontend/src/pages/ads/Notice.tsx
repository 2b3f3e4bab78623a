import { Alert } from '@mantine/core';
import { IconAlertCircle, IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';

const KINDS = {
  info: { color: 'blue', Icon: IconInfoCircle },
  good: { color: 'green', Icon: IconCircleCheck },
  warning: { color: 'yellow', Icon: IconAlertTriangle },
  error: { color: 'red', Icon: IconAlertCircle },
} as const;

const READABLE = {
  title: { color: 'var(--mantine-color-text)' },
  message: { color: 'var(--mantine-color-text)' },
};

/** Something the reader should know: coloured by its icon and ground, with text that stays readable. */
export function Notice({
  kind,
  title,
  role,
  children,
}: {
  kind: keyof typeof KINDS;
  title?: string;
  role?: 'status' | 'alert';
  children?: ReactNode;
}) {
  const { color, Icon } = KINDS[kind];
  return (
    <Alert
      color={color}
      icon={<Icon aria-hidden />}
      variant="light"
      styles={READABLE}
      role={role ?? 'note'}
      {...(title !== undefined && { title })}
    >
      {children}
    </Alert>
  );
}
