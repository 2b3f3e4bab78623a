import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import { api, ok, type Schema } from '../../api/client';
import { Failure } from '../../components/Failure';
import { adsTexts } from '../../texts/ads';
import { nameOf, type SelectedAccount } from './account';
import { isBelowMinimum, leastMonthly, amountOf, perDay } from './budget';
import { Dialog } from './Dialog';
import { newKey } from './key';
import { Notice } from './Notice';
import { ADSET_NAME, CAMPAIGN_NAME, type Plan, planOf } from './plan';
import type { AdsStatus } from './prerequisites';

const words = adsTexts.publish.confirm;

interface Props {
  status: AdsStatus;
  account: SelectedAccount;
  onClose: () => void;
  onStarted: (accepted: Schema['Accepted']) => void;
}

/** Says exactly what will be done and asks once more. Mounted for each confirmation: one key, one run. */
export function PublishDialog({ status, account, onClose, onStarted }: Props) {
  const [key] = useState(newKey);
  const publish = useMutation({
    mutationFn: () =>
      ok(api.POST('/ads/publish', { body: {}, params: { header: { 'idempotency-key': key } } })),
    onSuccess: onStarted,
  });
  const plan = planOf(status, account.id);
  return (
    <Dialog onClose={onClose} title={words.title[plan.kind]}>
      <Consequences plan={plan} status={status} account={account} />
      {!status.derived.publisher.seen && <Notice kind="warning">{words.offline}</Notice>}
      {publish.isError && (
        <>
          <Failure error={publish.error} />
          <Text size="sm">{words.sameRun}</Text>
        </>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {words.no}
        </Button>
        <Button
          data-autofocus
          loading={publish.isPending}
          onClick={() => {
            publish.mutate();
          }}
        >
          {words.yes[plan.kind]}
        </Button>
      </Group>
    </Dialog>
  );
}

function Consequences({ plan, status, account }: { plan: Plan } & Pick<Props, 'status' | 'account'>) {
  switch (plan.kind) {
    case 'sim':
      return <Text size="sm">{words.sim}</Text>;
    case 'off':
      return <Text size="sm">{words.off}</Text>;
    case 'look':
      return <Looking plan={plan} status={status} />;
    case 'create':
      return <Creating status={status} account={account} />;
  }
}

function Looking({ plan, status }: { plan: Extract<Plan, { kind: 'look' }>; status: AdsStatus }) {
  return (
    <Stack gap="xs">
      <Text size="sm">{words.exists(plan.campaignId, plan.adsetId)}</Text>
      {plan.adsetId === null ? (
        <Text size="sm">{words.onlyAdset(ADSET_NAME, dailyBudget(status))}</Text>
      ) : (
        <Text size="sm">{words.nothingNew}</Text>
      )}
      <Text size="sm" fw={600}>
        {words.noMoney}
      </Text>
    </Stack>
  );
}

function Creating({ status, account }: Pick<Props, 'status' | 'account'>) {
  const { currency, effective } = status.derived.budget;
  const least = account.known?.minDailyBudget;
  return (
    <Stack gap="xs">
      <Text size="sm">{words.inAccount(nameOf(account) ?? '')}</Text>
      <List size="sm">
        {words.objects(CAMPAIGN_NAME, ADSET_NAME, dailyBudget(status)).map((object) => (
          <List.Item key={object}>{object}</List.Item>
        ))}
      </List>
      <Text size="sm" fw={600}>
        {words.noMoney}
      </Text>
      {isBelowMinimum(effective, currency, least) && (
        <Notice kind="warning">{words.below(amountOf(leastMonthly(least ?? 0, currency), currency))}</Notice>
      )}
    </Stack>
  );
}

function dailyBudget({ derived }: AdsStatus): string {
  const { currency, effective } = derived.budget;
  return amountOf(perDay(effective, currency), currency);
}
