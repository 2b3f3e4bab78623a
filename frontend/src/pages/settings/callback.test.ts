import { expect, test } from 'vitest';

import { settings } from '../../texts/settings';
import { callbackNews } from './callback';

const CODES = [
  'missing_state',
  'invalid_state',
  'missing_code',
  'oauth_not_configured',
  'token_exchange_failed',
  'failed_to_fetch_user',
  'missing_scopes',
  'internal_error',
];

test('every reason of the contract has words of its own and a way out', () => {
  const texts = CODES.map((error) => callbackNews({ meta: 'error', error })?.text);
  expect(new Set(texts).size).toBe(CODES.length);
  for (const error of CODES) {
    const news = callbackNews({ meta: 'error', error });
    expect(news?.good).toBe(false);
    expect(news?.todo).toBeTruthy();
    expect(news?.text).not.toContain(error);
  }
});

test('success is told with the next step', () => {
  expect(callbackNews({ meta: 'connected' })).toMatchObject({ good: true, todo: null });
});

test('Meta’s own words about a refusal are quoted', () => {
  expect(callbackNews({ meta: 'error', error: 'Permissions error' })?.text).toBe(
    'Meta says: “Permissions error”',
  );
});

test.each(['access_denied', 'user_denied', '', undefined])('a bare refusal gets plain words: %s', (error) => {
  const search = error === undefined ? { meta: 'error' } : { meta: 'error', error };
  expect(callbackNews(search)?.text).toBe(settings.callback.declined.what);
});

test('the name of something that every object has is no reason', () => {
  expect(callbackNews({ meta: 'error', error: 'constructor' })?.text).toBe(settings.callback.declined.what);
});

test('an address written by somebody else cannot fill the page', () => {
  expect(callbackNews({ meta: 'error', error: 'Call us now! '.repeat(500) })?.text.length).toBeLessThan(330);
});

test('without news nothing is told', () => {
  expect(callbackNews({})).toBeNull();
  expect(callbackNews({ meta: 'maybe', error: 'missing_code' })).toBeNull();
});
