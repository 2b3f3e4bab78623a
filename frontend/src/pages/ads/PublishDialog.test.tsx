import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { beforeEach, expect, test, vi } from 'vitest';

import { gatewayForTests, refusal } from '../../testing/gateway';
import { PublishDialog } from './PublishDialog';
import { OBJECTS, statusOf } from './samples';

const ACCOUNT = {
  id: 'act_1',
  known: { id: 'act_1', name: 'Lindqvist Bageri', currency: 'SEK', minDailyBudget: 1050 },
};
const ACCEPTED = { runId: 'run', jobId: 'job' };

const gateway = gatewayForTests();
let answers: Response[];

beforeEach(() => {
  answers = [];
  gateway.by = () => answers.shift() ?? Response.json(ACCEPTED, { status: 201 });
});

const keys = () => gateway.seen.map((request) => request.headers.get('idempotency-key'));

function open(status = statusOf()) {
  const onStarted = vi.fn();
  const view = render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <PublishDialog status={status} account={ACCOUNT} onClose={() => undefined} onStarted={onStarted} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, onStarted };
}

const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));

test('the confirmation names account, both objects, their state and the daily budget', () => {
  open();
  const dialog = screen.getByRole('dialog', { name: 'Publish now?' });
  for (const fact of [
    'Lindqvist Bageri (act_1)',
    'Project Auto - Test Campaign',
    'Project Auto - Test Ad Set',
    'PAUSED',
    'SEK 100',
    'no money can be spent',
  ]) {
    expect(dialog).toHaveTextContent(fact);
  }
});

test('with a campaign there, it says that nothing new is created', () => {
  open(statusOf({ objects: OBJECTS }));
  expect(screen.getByRole('dialog')).toHaveTextContent(/1202.* exist.*nothing new is created/);
});

test('a refused try is sent again with the same key: one confirmation is one run', async () => {
  answers = [refusal(503, 'UNAVAILABLE', 'The database does not answer.')];
  const { onStarted } = open();
  await press('Create both, PAUSED');
  expect(await screen.findByText('The database does not answer.')).toBeVisible();
  await press('Create both, PAUSED');
  await waitFor(() => {
    expect(onStarted).toHaveBeenCalledOnce();
  });
  expect(keys()).toHaveLength(2);
  expect(keys()[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys()[1]).toBe(keys()[0]);
});

test('another confirmation has another key', async () => {
  const first = open();
  await press('Create both, PAUSED');
  first.unmount();
  open();
  await press('Create both, PAUSED');
  await waitFor(() => {
    expect(keys()).toHaveLength(2);
  });
  expect(keys()[1]).not.toBe(keys()[0]);
});
