import { describe, expect, test } from 'vitest';

import { pageThatMends, whatWentWrong } from './failure';
import { runOf } from './samples';

describe('the page that mends a failed run', () => {
  test.each([
    ['settings', 'No ad formats enabled. Enable at least one format in settings.', '/ads/setup'],
    ['connection', 'Invalid Meta access token. Reconnect Meta account.', '/settings'],
  ])('of a missing prerequisite in %s', (step, errorMessage, to) => {
    const run = runOf({ errorCode: 'MISSING_PREREQUISITE', step, errorMessage });
    expect(pageThatMends(run)?.to).toBe(to);
  });

  test.each([
    ['META_100', 'Raise the budget in Ads → Setup.', '/ads/setup'],
    ['META_190', 'Reconnect Meta in Settings.', '/settings'],
    ['META_200', 'Ask an admin to give you the task. Then reconnect Meta in Settings.', '/settings'],
  ])('of %s is the one that its hint names', (errorCode, hint, to) => {
    expect(pageThatMends(runOf({ errorCode, hint, step: 'adset' }))?.to).toBe(to);
  });

  test('is none of ours when an operator or Meta has to do something', () => {
    expect(pageThatMends(runOf({ errorCode: 'META_900', hint: 'Check META_APP_ID.' }))).toBeNull();
  });
});

test('the advice that a message ends with is not said twice', () => {
  const hint = 'Raise the budget in Ads → Setup.';
  expect(whatWentWrong(runOf({ errorMessage: `100: Too low. ${hint}`, hint }))).toBe('100: Too low.');
  expect(whatWentWrong(runOf({ errorMessage: hint, hint }))).toBe(hint);
  expect(whatWentWrong(runOf({ errorMessage: '100: Too low.', hint: null }))).toBe('100: Too low.');
  expect(whatWentWrong(runOf({ errorMessage: null }))).not.toBe('');
});
