import { Stack, Text } from '@mantine/core';

import { Failure } from '../../components/Failure';
import { RouteAnchor } from '../../components/links';
import { adsTexts } from '../../texts/ads';
import { nameOf, type SelectedAccount } from './account';
import { isBelowMinimum, leastMonthly, amountOf, perDay } from './budget';
import { Facts } from '../../components/Facts';
import { Notice } from './Notice';
import type { AdsStatus, SettingsView } from './prerequisites';

const words = adsTexts.summary;

/** What a publish would use, with what is saved but not used yet. */
export function Summary({ status, account }: { status: AdsStatus; account: SelectedAccount }) {
  const { settings, derived } = status;
  const { currency, effective } = derived.budget;
  const least = account.known?.minDailyBudget;
  return (
    <Stack gap="md">
      <Facts
        facts={[
          [words.account, nameOf(account) ?? words.noAccount],
          [words.area, settings === null ? words.notSet : areaOf(settings)],
          [words.formats, settings === null ? words.notSet : formatsOf(settings)],
          [words.cta, settings === null ? words.notSet : adsTexts.ctas[settings.ctaType]],
          [words.budget, <BudgetLine key="budget" status={status} />],
        ]}
      />
      {account.failure && <Failure {...account.failure} />}
      {settings !== null && isBelowMinimum(effective, currency, least) && (
        <Notice kind="warning">
          {words.below(amountOf(leastMonthly(least ?? 0, currency), currency))}{' '}
          <RouteAnchor to="/ads/setup" size="sm" c="inherit" underline="always">
            {words.raise}
          </RouteAnchor>
        </Notice>
      )}
      <Text size="sm" c="dimmed">
        {words.stub}
      </Text>
    </Stack>
  );
}

function BudgetLine({ status }: { status: AdsStatus }) {
  const { currency, effective } = status.derived.budget;
  const isUsual = status.settings?.budgetOverride == null;
  return (
    <>
      {words.perMonth(amountOf(effective, currency))}
      {isUsual && ` (${words.usual})`}
      <br />
      {words.perDay(amountOf(perDay(effective, currency), currency))}
    </>
  );
}

function areaOf(settings: SettingsView): string {
  if (settings.geoMode === 'radius') return words.radius(settings.geoRadiusKm, settings.geoCenterText);
  return settings.geoRegionsJson?.join(', ') ?? words.notSet;
}

function formatsOf(settings: SettingsView): string {
  const names: Readonly<Record<string, string>> = adsTexts.formats;
  return settings.formatsJson.map((format) => names[format] ?? format).join(', ');
}
