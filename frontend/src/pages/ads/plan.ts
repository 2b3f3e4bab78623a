import type { AdsStatus } from './prerequisites';

export const CAMPAIGN_NAME = 'Project Auto - Test Campaign';
export const ADSET_NAME = 'Project Auto - Test Ad Set';
const PLACEHOLDER = 'dev-';

/** Ids of a simulation begin with this; they are nothing that Meta knows. */
export function isPlaceholder(id: string | null): boolean {
  return id?.startsWith(PLACEHOLDER) ?? false;
}

/** What a publish would do, as far as this page can know before it is done. */
export type Plan =
  | { kind: 'create' }
  | { kind: 'look'; campaignId: string; adsetId: string | null }
  | { kind: 'sim' }
  | { kind: 'off' };

/** An absent publisher is taken to come back as it was, and as real when none was ever seen. */
export function planOf(status: AdsStatus, selectedAccount: string | null): Plan {
  const { publisher, metaWriteMode } = status.derived;
  const mode = publisher.seen ? metaWriteMode : (publisher.mode ?? 'real');
  if (mode === 'sim') return { kind: 'sim' };
  if (mode === 'disabled') return { kind: 'off' };
  const { campaignId = null, adsetId = null } = status.objects ?? {};
  if (campaignId === null || isPlaceholder(campaignId)) return { kind: 'create' };
  const account = accountOf(status);
  if (account !== null && account !== selectedAccount) return { kind: 'create' };
  return { kind: 'look', campaignId, adsetId };
}

/** The ad account that the campaign is in, as its runs tell; null when none of the last ones does. */
export function accountOf({ objects, lastRuns }: Pick<AdsStatus, 'objects' | 'lastRuns'>): string | null {
  if (objects?.campaignId == null) return null;
  const run = lastRuns.find((each) => each.campaignId === objects.campaignId && each.adAccountId !== null);
  return run?.adAccountId ?? null;
}
