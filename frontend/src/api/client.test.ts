import { afterEach, beforeEach, expect, test } from 'vitest';

import { gatewayForTests } from '../testing/gateway';
import { api, callForCustomer, ok, whenSessionIsOver } from './client';
import { isReachable, tellReachable } from './reachability';

const gateway = gatewayForTests();
const ends: string[] = [];

beforeEach(() => {
  ends.length = 0;
  whenSessionIsOver((why) => ends.push(why));
  callForCustomer('7f1a2c9d-5b1e-4f57-8a6c-9d2e4b1c0a22');
});

afterEach(() => {
  callForCustomer(null);
  tellReachable(true);
});

function gatewaySays(status: number, body: unknown): void {
  gateway.by = () => Response.json(body, { status });
}

const status = () => ok(api.GET('/meta/status'));

test('a 401 in the middle of work ends the session', async () => {
  gatewaySays(401, { error: { code: 'UNAUTHORIZED' }, message: 'Session expired or invalid' });
  await expect(status()).rejects.toMatchObject({ status: 401 });
  expect(ends).toEqual(['session_expired']);
});

test('the session of somebody else in the same browser ends the work, too', async () => {
  gatewaySays(403, {
    error: { code: 'FORBIDDEN' },
    message: 'Session customerId does not match x-customer-id header',
  });
  await expect(status()).rejects.toMatchObject({ status: 403 });
  expect(ends).toEqual(['session_changed']);
});

test('another refusal with 403 leaves the session alone', async () => {
  gatewaySays(403, { error: 'CONFIG_ERROR', message: 'Dev Meta connect is disabled.' });
  await expect(ok(api.POST('/meta/dev-connect', { body: {} }))).rejects.toMatchObject({ status: 403 });
  expect(ends).toEqual([]);
});

test('a refused login ends no session', async () => {
  gatewaySays(401, { error: { code: 'UNAUTHORIZED' }, message: 'Invalid email or password' });
  const login = ok(api.POST('/auth/login', { body: { email: 'a@example.com', password: 'wrong' } }));
  await expect(login).rejects.toMatchObject({ message: 'Invalid email or password' });
  expect(ends).toEqual([]);
});

test('who was never logged in has no session that could end', async () => {
  callForCustomer(null);
  gatewaySays(401, { error: { code: 'UNAUTHORIZED' }, message: 'Not logged in' });
  await expect(ok(api.GET('/auth/me'))).rejects.toMatchObject({ status: 401 });
  expect(ends).toEqual([]);
});

test('no answer means unreachable, until the next answer', async () => {
  gateway.by = () => Promise.reject(new TypeError('Failed to fetch'));
  await expect(status()).rejects.toMatchObject({ code: 'UNREACHABLE' });
  expect(isReachable()).toBe(false);
  gatewaySays(200, { status: 'disconnected' });
  await status();
  expect(isReachable()).toBe(true);
});

test('a proxy in front of a dead gateway counts as no answer, a busy gateway does not', async () => {
  gateway.by = () => new Response('<html>Bad Gateway</html>', { status: 502 });
  await expect(status()).rejects.toMatchObject({ status: 502 });
  expect(isReachable()).toBe(false);
  gatewaySays(503, { error: 'UNAVAILABLE', message: 'The database does not answer.' });
  await expect(status()).rejects.toMatchObject({ status: 503 });
  expect(isReachable()).toBe(true);
});
