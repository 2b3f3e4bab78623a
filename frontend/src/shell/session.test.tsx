import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { createMemoryHistory, RouterProvider } from '@tanstack/react-router';
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { whenSessionIsOver } from '../api/client';
import { tellReachable } from '../api/reachability';
import { dropSignIn, noteSignIn } from '../api/signIn';
import { consoleRouter } from '../router';
import { gatewayForTests, refusal } from '../testing/gateway';
import { texts } from '../texts';
import { settings } from '../texts/settings';
import { forgetCustomer, leaveForLogin, queryClient } from './session';

const ADA = { userId: 'u1', customerId: 'c1', email: 'ada@example.com' };
const BEN = { userId: 'u2', customerId: 'c2', email: 'ben@example.com' };
const ACCOUNTS = [
  { id: 'act_1', name: 'Bageri', currency: 'SEK', account_status: 1, selectable: true },
  { id: 'act_2', name: 'Bakery', currency: 'USD', account_status: 1, selectable: true },
  { id: 'act_3', name: 'Old', account_status: 2, selectable: false, reason: 'This ad account is disabled' },
];

const gateway = gatewayForTests();
let user: typeof ADA | null;
let router: ReturnType<typeof consoleRouter>;

const routes: Record<string, () => Response> = {
  '/auth/me': () => (user ? Response.json(user) : refusal(401, 'UNAUTHORIZED', 'Not logged in')),
  '/meta/status': () => Response.json({ status: 'connected', selectedAdAccountId: 'act_1' }),
  '/meta/ad-accounts': () => Response.json({ data: ACCOUNTS }),
  '/meta/ad-accounts/select': () => Response.json({ status: 'connected', selectedAdAccountId: 'act_2' }),
};

beforeEach(() => {
  vi.spyOn(window, 'scrollTo').mockImplementation(() => undefined); // jsdom has no scrolling
  user = ADA;
  noteSignIn();
  gateway.by = (request) => {
    const path = new URL(request.url).pathname;
    if (path === '/auth/login') return Response.json(user);
    if (user === null && path !== '/auth/me')
      return refusal(401, 'UNAUTHORIZED', 'Session expired or invalid');
    return routes[path]?.() ?? refusal(404, 'NOT_FOUND', `No ${path}`);
  };
});

afterEach(() => {
  forgetCustomer();
  tellReachable(true);
});

async function openSettings(page?: string) {
  open(page);
  return screen.findByRole('radio', { name: 'Bakery' });
}

function open(page = '/console/settings#ad-account') {
  queryClient.clear();
  router = consoleRouter(createMemoryHistory({ initialEntries: [page] }));
  whenSessionIsOver((why) => {
    leaveForLogin(router, why);
  });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

const logIn = async (as: typeof ADA) => {
  user = as;
  fireEvent.change(screen.getByLabelText(texts.login.email), { target: { value: as.email } });
  fireEvent.change(screen.getByLabelText(texts.login.password), { target: { value: 'a long sentence' } });
  await userEvent.click(screen.getByRole('button', { name: texts.login.submit }));
};

const endInMidClick = async () => {
  await userEvent.click(await openSettings());
  user = null;
  await userEvent.click(screen.getByRole('button', { name: settings.accounts.save }));
  await screen.findByText(texts.login.reasons.session_expired);
};

test('a session that ends in mid-click leads to the log-in page, and back with what was chosen', async () => {
  await endInMidClick();
  await logIn(ADA);
  expect(await screen.findByRole('radio', { name: 'Bakery' })).toBeChecked();
  expect(router.state.location.href).toBe('/settings#ad-account');
});

test('somebody else who logs in then does not find what was chosen', async () => {
  await endInMidClick();
  await logIn(BEN);
  expect(await screen.findByRole('radio', { name: 'Bakery' })).not.toBeChecked();
});

test('an account that cannot be chosen is no choice, and its reason can be read', async () => {
  await openSettings();
  expect(screen.queryByRole('radio', { name: 'Old' })).toBeNull();
  expect(screen.getByText(/This ad account is disabled\. Look at Account Quality/)).toBeInTheDocument();
});

test('a choice is saved, named as the selected one, and told', async () => {
  await userEvent.click(await openSettings());
  await userEvent.click(screen.getByRole('button', { name: settings.accounts.save }));
  expect(await screen.findByText(settings.accounts.saved('Bakery'))).toBeInTheDocument();
  expect(screen.getByText('Bakery (act_2)')).toBeInTheDocument();
  const sent = gateway.seen.find(({ url }) => url.endsWith('/select'));
  expect(await sent?.json()).toEqual({ adAccountId: 'act_2' });
});

test('who could not be logged out is told so, and is not shown the door as if it had worked', async () => {
  await openSettings();
  routes['/auth/logout'] = () => refusal(500, 'INTERNAL', 'Internal error');
  await userEvent.click(screen.getByRole('button', { name: texts.nav.logOut }));
  expect(await screen.findByText('Internal error')).toBeInTheDocument();
  expect(router.state.location.pathname).toBe('/settings');
});

test('the news of Meta’s dialog are told once: they leave the address', async () => {
  await openSettings('/console/settings?meta=error&error=missing_scopes');
  expect(screen.getByText(settings.callback.reasons.missing_scopes.what)).toBeInTheDocument();
  await waitFor(() => {
    expect(router.state.location.href).toBe('/settings');
  });
});

test('who reconnects and has an ad account is not sent to choose one', async () => {
  await openSettings('/console/settings?meta=connected');
  expect(screen.getByText(settings.callback.connected.kept)).toBeInTheDocument();
  expect(screen.queryByText(settings.callback.connected.text)).toBeNull();
});

const asked = () => gateway.seen.filter(({ url }) => url.endsWith('/auth/me')).length;
const findDoor = () => screen.findByRole('button', { name: texts.login.submit });

test('a browser in which nobody logged in is not asked who that is', async () => {
  dropSignIn();
  open();
  await findDoor();
  expect(asked()).toBe(0);
});

test('a browser whose session ended is asked once, and not at the next visit', async () => {
  user = null;
  open();
  await findDoor();
  cleanup();
  open();
  await findDoor();
  expect(asked()).toBe(1);
});

test('the session of somebody else in the same browser is found by the next visit', async () => {
  await openSettings();
  leaveForLogin(router, 'session_changed');
  await findDoor();
  cleanup();
  user = BEN;
  expect(await openSettings()).toBeInTheDocument();
});
