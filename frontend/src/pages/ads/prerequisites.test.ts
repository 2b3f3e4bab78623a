import { describe, expect, test } from 'vitest';

import { checklist, hasOpenPoints, pageOf } from './prerequisites';
import { settingsOf, statusOf } from './samples';

const NOT_CONNECTED = { ok: false, hint: 'Connect your Meta account' };

describe('the checklist', () => {
  test('has nothing open when account and settings are there', () => {
    const points = checklist(statusOf());
    expect(points.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(hasOpenPoints(points)).toBe(false);
  });

  test('leads to the Meta part of Settings, with the words of the gateway', () => {
    const [meta] = checklist(statusOf({ meta: NOT_CONNECTED }));
    expect(meta).toMatchObject({
      state: 'open',
      hint: 'Connect your Meta account',
      fix: { to: '/settings', hash: 'meta' },
    });
  });

  test('asks for no connection in a simulation', () => {
    const points = checklist(statusOf({ meta: NOT_CONNECTED, mode: 'sim' }));
    expect(points[0]?.state).toBe('skipped');
    expect(hasOpenPoints(points)).toBe(false);
  });

  test('asks for settings when there are none', () => {
    const points = checklist(statusOf({ settings: null }));
    expect(points[1]).toMatchObject({ state: 'open', fix: { to: '/ads/setup' } });
    expect(hasOpenPoints(points)).toBe(true);
  });

  test.each([
    [{ geoCenterText: null }, 'place is missing'],
    [{ geoRadiusKm: null }, 'radius is missing'],
    [{ geoCenterText: null, geoRadiusKm: null }, 'place and the radius'],
    [{ geoMode: 'regions' as const }, 'no region'],
  ])('says what the draft %o lacks', (changes, words) => {
    const settings = settingsOf({ status: 'draft', ...changes });
    expect(checklist(statusOf({ settings }))[1]?.hint).toContain(words);
  });

  test('counts settings as done after a publish that Meta refused: they are complete', () => {
    const settings = settingsOf({ status: 'error', lastError: '100: too low' });
    expect(checklist(statusOf({ settings }))[1]?.state).toBe('done');
  });
});

test('links of later steps lead nowhere in this console', () => {
  expect(pageOf('/connect-website')).toBeNull();
  expect(pageOf('/templates')).toBeNull();
});
