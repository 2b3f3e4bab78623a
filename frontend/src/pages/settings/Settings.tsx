import { useQuery } from '@tanstack/react-query';

import { metaStatus } from '../../api/queries';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { texts } from '../../texts';
import { settings } from '../../texts/settings';
import { AdAccounts } from './AdAccounts';
import { CallbackNotice } from './CallbackNotice';
import { Connection } from './Connection';
import { Smoke } from './Smoke';

/** The connection with Meta: to have one, to choose an ad account of it, to check it. */
export function Settings() {
  const status = useQuery(metaStatus);
  const state = status.data?.status ?? 'disconnected';
  return (
    <Page title={texts.nav.settings}>
      <CallbackNotice
        isConnected={state === 'connected'}
        hasAccount={typeof status.data?.selectedAdAccountId === 'string'}
      />
      <Section title={settings.connection.title} id="meta">
        <Loaded query={status}>{(data) => <Connection status={data} />}</Loaded>
      </Section>
      {state === 'connected' && <AdAccounts selectedId={status.data?.selectedAdAccountId ?? null} />}
      {state !== 'disconnected' && <Smoke />}
    </Page>
  );
}
