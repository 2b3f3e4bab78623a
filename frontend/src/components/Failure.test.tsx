import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';

import { Problem } from '../api/problem';
import { Failure } from './Failure';

const show = (problem: Problem) =>
  render(
    <MantineProvider env="test">
      <Failure error={problem} />
    </MantineProvider>,
  );

test('a failure says what happened, what to do and how long to wait', () => {
  show(
    new Problem({
      status: 429,
      code: 'RATE_LIMITED',
      message: 'Too many failed logins',
      hint: 'Wait before you try again, or check the address.',
      retryAfterSeconds: 840,
    }),
  );
  const alert = screen.getByRole('alert');
  expect(alert).toHaveTextContent('Too many failed logins');
  expect(alert).toHaveTextContent('Wait before you try again, or check the address.');
  expect(alert).toHaveTextContent('It works again in about 14 minutes.');
});

test('a short wait is told in seconds, and none when there is none', () => {
  show(new Problem({ status: 503, code: 'UNAVAILABLE', message: 'Busy', retryAfterSeconds: 5 }));
  expect(screen.getByText('It works again in 5 seconds.')).toBeInTheDocument();
  show(new Problem({ status: 500, code: 'INTERNAL', message: 'Internal error' }));
  expect(screen.getAllByText(/It works again/)).toHaveLength(1);
});
