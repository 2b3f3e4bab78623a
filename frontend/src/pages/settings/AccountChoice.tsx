import { Button, Group, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, ok } from '../../api/client';
import { adsStatus, metaStatus } from '../../api/queries';
import { Done } from '../../components/Done';
import { Failure } from '../../components/Failure';
import { useDraft } from '../../shell/drafts';
import { settings } from '../../texts/settings';
import { type AdAccount, factsOf, matches, nameOf } from './accounts';
import classes from './Settings.module.css';

const texts = settings.accounts;
const FEW = 8;

/** The accounts that can be chosen, with a search when they are many. */
export function AccountChoice({
  accounts,
  selectedId,
}: {
  accounts: AdAccount[];
  selectedId: string | null;
}) {
  const [search, setSearch] = useState('');
  const [ownChoice, setChoice] = useDraft<string | null>('ad account', null);
  const choice = ownChoice ?? selectedId;
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: (adAccountId: string) => ok(api.POST('/meta/ad-accounts/select', { body: { adAccountId } })),
    onSuccess: async (status) => {
      queries.setQueryData(metaStatus.queryKey, status);
      await queries.invalidateQueries({ queryKey: adsStatus.queryKey });
    },
  });
  const shown = accounts.filter((account) => matches(account, search));
  const chosen = accounts.find(({ id }) => id === choice);
  const saved = accounts.find(({ id }) => id === save.data?.selectedAdAccountId);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (choice !== null) save.mutate(choice);
      }}
    >
      <Stack gap="sm">
        {accounts.length > FEW && (
          <TextInput
            type="search"
            aria-label={texts.search}
            placeholder={texts.search}
            value={search}
            onChange={(event) => {
              setSearch(event.currentTarget.value);
            }}
          />
        )}
        <Radio.Group value={choice} onChange={setChoice} aria-label={texts.choose}>
          <div className={classes.accounts}>
            {shown.map((account) => (
              <Radio
                key={account.id}
                value={account.id}
                label={nameOf(account)}
                description={factsOf(account)}
                className={classes.account ?? ''}
              />
            ))}
          </div>
        </Radio.Group>
        <Text size="xs" c="dimmed" role="status">
          {shown.length === 0 ? texts.noMatch : texts.count(shown.length, accounts.length)}
        </Text>
        <Group gap="sm">
          <Button
            type="submit"
            loading={save.isPending}
            disabled={chosen === undefined || choice === selectedId}
          >
            {texts.save}
          </Button>
        </Group>
        {save.isError && <Failure error={save.error} />}
        <Done>{saved !== undefined && choice === selectedId && texts.saved(nameOf(saved))}</Done>
      </Stack>
    </form>
  );
}
