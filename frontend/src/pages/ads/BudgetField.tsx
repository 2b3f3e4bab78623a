import { Stack, Text, TextInput } from '@mantine/core';

import { Failure } from '../../components/Failure';
import { RouteAnchor } from '../../components/links';
import { adsTexts } from '../../texts/ads';
import type { SelectedAccount } from './account';
import { isBelowMinimum, leastMonthly, amountOf, perDay } from './budget';
import { Live } from './Live';
import { Notice } from './Notice';
import type { AdsStatus } from './prerequisites';
import { Section } from '../../components/Section';
import type { FieldsProps } from './SetupFields';
import { numberIn } from './settingsForm';

const words = adsTexts.setup;

/** The monthly budget in the ad account's currency, what it is a day, and the least that the account takes. */
export function BudgetField({
  form,
  errors,
  change,
  budget,
  account,
}: FieldsProps & { budget: AdsStatus['derived']['budget']; account: SelectedAccount }) {
  const currency = account.known?.currency ?? budget.currency;
  const least = account.known?.minDailyBudget;
  const typed = numberIn(form.budget);
  const monthly = typed !== null && typed > 0 ? typed : null;
  const minimum = least == null ? null : amountOf(leastMonthly(least, currency), currency);
  const isTooLow = monthly !== null && isBelowMinimum(monthly, currency, least);
  return (
    <Section title={adsTexts.summary.budget}>
      <TextInput
        label={words.budget(currency)}
        description={words.budgetUsual(amountOf(budget.defaultMonthly, currency))}
        value={form.budget}
        error={errors.budget}
        inputMode="decimal"
        maw="20rem"
        onChange={(event) => {
          change({ budget: event.currentTarget.value });
        }}
      />
      <Stack gap={4}>
        <Text size="sm" c="dimmed">
          {words.budgetDaily(amountOf(perDay(monthly ?? budget.defaultMonthly, currency), currency))}
        </Text>
        {minimum !== null && !isTooLow && (
          <Text size="sm" c="dimmed">
            {words.budgetLeast(minimum)}
          </Text>
        )}
        {account.id === null && (
          <RouteAnchor to="/settings" hash="meta" size="sm">
            {words.noAccount}
          </RouteAnchor>
        )}
      </Stack>
      {account.failure && <Failure {...account.failure} />}
      <Live>
        {isTooLow && minimum !== null && <Notice kind="warning">{words.budgetBelow(minimum)}</Notice>}
      </Live>
    </Section>
  );
}
