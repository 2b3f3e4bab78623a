import { Alert, Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { adAccounts } from '../../api/queries';
import { Loaded } from '../../components/Loaded';
import { Section } from '../../components/Section';
import { settings } from '../../texts/settings';
import { AccountChoice } from './AccountChoice';
import { type AdAccount, factsOf, nameOf, refusalOf } from './accounts';
import classes from './Settings.module.css';

const texts = settings.accounts;
const FEW = 5;

/** Ad Account Selection: all accounts of the Meta user, those first that campaigns can be made in. */
export function AdAccounts({ selectedId }: { selectedId: string | null }) {
  const accounts = useQuery(adAccounts);
  const refresh = (
    <Button
      size="xs"
      variant="default"
      loading={accounts.isFetching}
      onClick={() => {
        void accounts.refetch();
      }}
    >
      {texts.refresh}
    </Button>
  );
  return (
    <Section title={texts.title} aside={refresh} id="ad-account">
      <Text size="sm">{texts.intro}</Text>
      <Loaded query={accounts}>{({ data }) => <Accounts accounts={data} selectedId={selectedId} />}</Loaded>
    </Section>
  );
}

function Accounts({ accounts, selectedId }: { accounts: AdAccount[]; selectedId: string | null }) {
  if (accounts.length === 0) {
    return (
      <Alert color="yellow" title={texts.empty.title} role="note">
        {texts.empty.todo}
      </Alert>
    );
  }
  const usable = accounts.filter((account) => refusalOf(account) === null);
  const unusable = accounts.filter((account) => refusalOf(account) !== null);
  return (
    <>
      <Selected accounts={accounts} selectedId={selectedId} />
      {usable.length === 0 ? (
        <Text size="sm">{texts.noneSelectable}</Text>
      ) : (
        <AccountChoice accounts={usable} selectedId={selectedId} />
      )}
      {unusable.length > 0 && (
        <Unusable accounts={unusable} open={usable.length === 0 || unusable.length <= FEW} />
      )}
    </>
  );
}

function Selected({ accounts, selectedId }: { accounts: AdAccount[]; selectedId: string | null }) {
  const account = accounts.find(({ id }) => id === selectedId);
  const name = account === undefined ? selectedId : `${nameOf(account)} (${account.id})`;
  return (
    <>
      <Text size="sm">
        {texts.selected}: <b>{name ?? texts.noneSelected}</b>
      </Text>
      {selectedId !== null && account === undefined && (
        <Alert color="yellow" role="note">
          {texts.notListed}
        </Alert>
      )}
    </>
  );
}

function Unusable({ accounts, open }: { accounts: AdAccount[]; open: boolean }) {
  return (
    <details className={classes.details} open={open}>
      <summary>{texts.unusable(accounts.length)}</summary>
      <ul>
        {accounts.map((account) => (
          <li key={account.id} className={classes.account}>
            <Text size="sm" fw={500}>
              {nameOf(account)}
            </Text>
            <Text size="xs" c="dimmed">
              {factsOf(account)}
            </Text>
            <Text size="sm">
              {refusalOf(account)?.reason}. {refusalOf(account)?.wayOut}
            </Text>
          </li>
        ))}
      </ul>
    </details>
  );
}
