import { describe, expect, test } from 'vitest';

import { adsManagerLink } from './adsManager';
import { accountOf, planOf } from './plan';
import { OBJECTS, runOf, statusOf } from './samples';

const ACCOUNT = 'act_1234567890';
const MADE = [runOf({ status: 'success', campaignId: OBJECTS.campaignId, adAccountId: ACCOUNT })];

describe('what a publish would do', () => {
  test('is to create when there is nothing yet', () => {
    expect(planOf(statusOf(), ACCOUNT)).toEqual({ kind: 'create' });
  });

  test('is to look when the campaign is in the selected account', () => {
    expect(planOf(statusOf({ objects: OBJECTS, lastRuns: MADE }), ACCOUNT)).toEqual({
      kind: 'look',
      campaignId: OBJECTS.campaignId,
      adsetId: OBJECTS.adsetId,
    });
  });

  test('is to create when the campaign is in another account, or only a placeholder', () => {
    expect(planOf(statusOf({ objects: OBJECTS, lastRuns: MADE }), 'act_9').kind).toBe('create');
    const placeholder = { ...OBJECTS, campaignId: 'dev-campaign-0a5a2182', adsetId: 'dev-adset-0a5a2182' };
    expect(planOf(statusOf({ objects: placeholder }), ACCOUNT).kind).toBe('create');
  });

  test('follows the mode of the publisher', () => {
    expect(planOf(statusOf({ mode: 'sim', objects: OBJECTS }), ACCOUNT).kind).toBe('sim');
    expect(planOf(statusOf({ mode: 'disabled' }), ACCOUNT).kind).toBe('off');
  });

  test('takes an absent publisher to come back as it was, and never promises less than real', () => {
    const absent = { seen: false, mode: 'sim' as const };
    expect(planOf(statusOf({ mode: 'disabled', publisher: absent }), ACCOUNT).kind).toBe('sim');
    const unknown = { seen: false, mode: null };
    expect(planOf(statusOf({ mode: 'disabled', publisher: unknown }), ACCOUNT).kind).toBe('create');
  });
});

test('the account of a campaign is the one that its runs name', () => {
  expect(accountOf({ objects: OBJECTS, lastRuns: [runOf(), ...MADE] })).toBe(ACCOUNT);
  expect(accountOf({ objects: OBJECTS, lastRuns: [runOf({ campaignId: 'other' })] })).toBeNull();
  expect(accountOf({ objects: null, lastRuns: MADE })).toBeNull();
});

test('Ads Manager is offered for real ids only', () => {
  expect(adsManagerLink(ACCOUNT, '120')).toBe(
    'https://adsmanager.facebook.com/adsmanager/manage/campaigns?act=1234567890&selected_campaign_ids=120',
  );
  expect(adsManagerLink(ACCOUNT, 'dev-campaign-0a5a2182')).toBeNull();
  expect(adsManagerLink('act_dev-account-123', '120')).toBeNull();
  expect(adsManagerLink(null, '120')).toBeNull();
  expect(adsManagerLink(ACCOUNT, null)).toBeNull();
});
