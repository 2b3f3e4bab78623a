import { isPlaceholder } from './plan';

const CAMPAIGNS = 'https://adsmanager.facebook.com/adsmanager/manage/campaigns';

/** Where Ads Manager shows a campaign; null when Meta does not know it, or its ad account is not known. */
export function adsManagerLink(accountId: string | null, campaignId: string | null): string | null {
  if (accountId === null || campaignId === null || isPlaceholder(campaignId)) return null;
  const digits = accountId.replace(/^act_/, '');
  if (!/^\d+$/.test(digits)) return null;
  const query = new URLSearchParams({ act: digits, selected_campaign_ids: campaignId });
  return `${CAMPAIGNS}?${query.toString()}`;
}
