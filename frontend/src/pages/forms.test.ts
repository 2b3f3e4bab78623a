import { expect, test } from 'vitest';

import { pageToReturnTo, tokenIn, valuesOf } from './forms';

test('after logging in one is back at the page where one was', () => {
  expect(pageToReturnTo('/console/ads/diagnostics?status=failed#runs')).toBe(
    '/console/ads/diagnostics?status=failed#runs',
  );
});

test.each([
  'https://evil.example/console/ads',
  '//evil.example/console/ads',
  '/\\evil.example/console/',
  'javascript:alert(1)',
  '/auth/logout',
  '/console/../meta/disconnect',
  '/consoles/ads',
])('nobody is led out of the console: %s', (next) => {
  expect(pageToReturnTo(next)).toBe('/console/ads');
});

test('who was thrown out while connecting Meta goes on there', () => {
  expect(pageToReturnTo(undefined, 'session_mismatch')).toBe('/console/settings');
  expect(pageToReturnTo(undefined)).toBe('/console/ads');
});

test('the token of a mailed link is read, and an incomplete link is noticed', () => {
  expect(tokenIn('#token=abc.1767225600.x-_Y')).toBe('abc.1767225600.x-_Y');
  expect(tokenIn('#token=')).toBeNull();
  expect(tokenIn('')).toBeNull();
});

test('a field that is not there is empty', () => {
  const form = new FormData();
  form.set('email', 'ada@example.com');
  expect(valuesOf(form, 'email', 'password')).toEqual({ email: 'ada@example.com', password: '' });
});
