import { getRouteApi } from '@tanstack/react-router';

import { Facts } from '../../components/Facts';
import { Page } from '../../components/Page';
import { Section } from '../../components/Section';
import { texts } from '../../texts';
import { account } from '../../texts/account';
import { ChangePassword } from './ChangePassword';
import { Sessions } from './Sessions';

const member = getRouteApi('/member');

/** Who is logged in, where, and with which password. */
export function Account() {
  const { me } = member.useRouteContext();
  return (
    <Page title={texts.nav.account}>
      <Section title={account.who.title}>
        <Facts
          facts={[
            [account.who.email, me.email],
            [account.who.userId, me.userId],
            [account.who.customerId, me.customerId],
          ]}
        />
      </Section>
      <Sessions />
      <ChangePassword email={me.email} />
    </Page>
  );
}
